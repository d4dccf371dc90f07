"""The code by which the first administrator is made: in a file that only who runs the server can read."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from hubbub.storage.failures import StorageUnusableError

FILE: Final = "setup-code"
_CODE = re.compile(r"[A-Za-z0-9_-]{22,64}")


def keep_setup_code(folder: Path) -> str:
    """Return the code that is kept in a folder; if there is none, make one and keep it.

    Raises:
        StorageUnusableError: if it can't be kept.
    """
    if known := read_setup_code(folder):
        return known
    code = secrets.token_urlsafe(16)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What is there is none of ours: it can't be read as one.
        (folder / FILE).unlink(missing_ok=True)
        descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{code}\n")
    except OSError as error:
        reason = error.strerror or error
        raise StorageUnusableError(f"no set-up code can be kept in {folder} ({reason})") from error
    return code


def read_setup_code(folder: Path) -> str | None:
    """Return the code that is kept in a folder, if one is."""
    try:
        text = (folder / FILE).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return text if _CODE.fullmatch(text) else None


def drop_setup_code(folder: Path) -> None:
    """Forget the code."""
    with suppress(OSError):
        (folder / FILE).unlink(missing_ok=True)
