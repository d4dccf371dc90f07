"""Where the contents of files are: each under its id, in a folder of the data folder.

Knows nothing of names, types and people.

Invariants:

1. A content has its place only when all of it is on the disk; until then it is beside it, and is removed
   again whatever goes wrong.
2. No place depends on anything but an id that the server made up.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.filetypes import HEAD
from hubbub.domain.policies import THUMBNAILS

log = logging.getLogger(__name__)

FOLDER: Final = "files"
PART: Final = ".part"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# So much is written at a time, in a thread.
_PIECE: Final = 256 * 1024


@dataclass(slots=True)
class Part:
    """A content that has no place yet: where it is, its size, its beginning, and the digest of it all."""

    path: Path
    size: int = 0
    head: bytes = b""
    digest: str = ""


class Shelf:
    """The contents of files, in a folder that is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, file_id: str, thumbnail: int | None = None) -> Path:
        """Return where a content is, or a small picture of it."""
        # A folder for each pair of letters: some disks are slow where there are very many files in one.
        name = file_id if thumbnail is None else f"{file_id}.{thumbnail}"
        return self.folder / file_id[2:4] / name

    def places(self, file_id: str) -> list[Path]:
        """Return where all is that may be there of a content."""
        return [self.place(file_id), *(self.place(file_id, size) for size in THUMBNAILS)]

    @asynccontextmanager
    async def receive(self, file_id: str, chunks: AsyncIterable[bytes], most: int) -> AsyncIterator[Part]:
        """Take what comes, in so many bytes at most; without `keep` it is gone afterwards.

        Raises:
            ChatError: `too_long`, `storage_full`, `unavailable`.
        """
        part = Part(self.place(file_id).with_name(f".{file_id}{PART}"))
        try:
            with _explain():
                await asyncio.to_thread(part.path.parent.mkdir, 0o700, parents=True, exist_ok=True)
                await _write_all(part, chunks, most)
            yield part
        finally:
            await asyncio.to_thread(self._clean, file_id)

    async def measure(self, part: Part) -> None:
        """Look again at a content that was written anew.

        Raises:
            ChatError: `unavailable`.
        """
        with _explain():
            part.size, part.digest = await asyncio.to_thread(_measure, part.path)

    async def keep(self, file_id: str, part: Part) -> None:
        """Give a content its place, and its small pictures theirs, once they are on the disk.

        Raises:
            ChatError: `storage_full`, `unavailable`.
        """
        with _explain():
            await asyncio.to_thread(self._keep, file_id, part)

    def _keep(self, file_id: str, part: Part) -> None:
        for thumbnail in THUMBNAILS:
            small = thumbnail_part(part.path, thumbnail)
            if small.exists():
                sync(small)
                small.replace(self.place(file_id, thumbnail))
        sync(part.path)
        part.path.replace(self.place(file_id))
        _sync_folder(part.path.parent)

    def _clean(self, file_id: str) -> None:
        for path in self.place(file_id).parent.glob(f".{file_id}{PART}*"):
            with suppress(OSError):
                path.unlink()

    async def remove(self, file_id: str) -> bool:
        """Remove a content and its small pictures; return whether nothing of it is there any more."""
        return await asyncio.to_thread(self._remove, file_id)

    def _remove(self, file_id: str) -> bool:
        try:
            for path in self.places(file_id):
                path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a file can't be removed: %s", error)
            return False
        return True

    async def list_old(self, seconds: float) -> list[str]:
        """Return the ids of all contents that are there for so long."""
        return await asyncio.to_thread(lambda: list(self._list_old(time.time() - seconds)))

    def _list_old(self, before: float) -> Iterator[str]:
        for path in self.folder.glob("*/*"):
            with suppress(OSError):
                if path.stat().st_mtime >= before:
                    continue
                if path.name.startswith("."):
                    # Of an upload that was under way when the server was killed.
                    path.unlink(missing_ok=True)
                elif "." not in path.name:
                    yield path.name


def thumbnail_part(part: Path, thumbnail: int) -> Path:
    """Return where a small picture is made before it has its place."""
    return part.with_name(f"{part.name}.{thumbnail}")


async def _write_all(part: Part, chunks: AsyncIterable[bytes], most: int) -> None:
    digest = hashlib.sha256()
    waiting = bytearray()

    def write(file: BinaryIO, piece: bytes) -> None:
        digest.update(piece)
        file.write(piece)

    # Unbuffered: that there is no room left is to be known when it is written.
    with await asyncio.to_thread(_create, part.path) as file:
        async for chunk in chunks:
            part.size += len(chunk)
            if part.size > most:
                raise ChatError(Code.TOO_LONG, f"A file has at most {most} bytes.")
            part.head += chunk[: HEAD - len(part.head)]
            waiting += chunk
            if len(waiting) >= _PIECE:
                await asyncio.to_thread(write, file, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(write, file, bytes(waiting))
    part.digest = digest.hexdigest()


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def as_disk_error(error: OSError) -> ChatError:
    """Return what to answer when a disk failed so; what it says itself is for the log."""
    log.error("a file can't be stored: %s", error)
    return ChatError(Code.STORAGE_FULL if error.errno in _FULL else Code.UNAVAILABLE)


@contextmanager
def _explain() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise as_disk_error(error) from error


def sync(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
