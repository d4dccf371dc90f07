"""Files as they come, and as they are on the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

PIECE = 1_000


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """Give what comes of a file, piece by piece."""
    for part in parts:
        for at in range(0, max(1, len(part)), PIECE):
            yield part[at : at + PIECE]


def contents(folder: Path) -> list[str]:
    """Return the names of all files in a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
