"""Contents on the disk: whole or not there."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubbub.domain.errors import ChatError
from hubbub.domain.filetypes import HEAD
from hubbub.storage import shelf as shelves
from hubbub.storage.shelf import Shelf, thumbnail_part

from ..files import pieces

ID = "f_abcdefgh"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Return a shelf with nothing on it."""
    return Shelf(tmp_path / "files")


def everything(shelf: Shelf) -> list[str]:
    """Return what is on the disk."""
    return sorted(str(path.relative_to(shelf.folder)) for path in shelf.folder.rglob("*") if path.is_file())


async def put(shelf: Shelf, file_id: str = ID, content: bytes = b"tea") -> None:
    """Put a content with a small picture on the shelf."""
    async with shelf.receive(file_id, pieces(content), 100) as part:
        thumbnail_part(part.path, 96).write_bytes(b"small")
        await shelf.keep(file_id, part)


async def test_content_is_kept(shelf: Shelf) -> None:
    """What came is there, only for its owner, and what is known of it is true."""
    content = os.urandom(300_000)

    async with shelf.receive(ID, pieces(content[:5], content[5:9_000], content[9_000:]), 300_000) as part:
        assert everything(shelf) == [f"ab/.{ID}.part"]
        await shelf.keep(ID, part)

    assert everything(shelf) == [f"ab/{ID}"]
    assert shelf.place(ID).read_bytes() == content
    assert shelf.place(ID).stat().st_mode & 0o077 == 0
    assert (part.size, part.head) == (300_000, content[:HEAD])
    assert part.digest == hashlib.sha256(content).hexdigest()


async def test_what_is_not_kept_is_gone(shelf: Shelf) -> None:
    """A content that nobody keeps leaves nothing, nor do its small pictures."""
    async with shelf.receive(ID, pieces(b"tea"), 100) as part:
        thumbnail_part(part.path, 480).write_bytes(b"small")

    assert everything(shelf) == []


async def test_size_is_counted(shelf: Shelf) -> None:
    """One byte too many ends it, whatever was said before."""
    with pytest.raises(ChatError) as caught:
        async with shelf.receive(ID, pieces(b"12345", b"6"), 5):
            pytest.fail("it was taken")

    assert caught.value.code == "too_long"
    assert everything(shelf) == []


async def test_broken_upload_leaves_nothing(shelf: Shelf) -> None:
    """A connection that is cut in the middle leaves nothing, and neither does who gives up waiting."""
    begun = asyncio.Event()

    async def hang() -> AsyncIterator[bytes]:
        yield b"tea"
        begun.set()
        await asyncio.Event().wait()

    async def take() -> None:
        async with shelf.receive(ID, hang(), 100):
            pytest.fail("it was taken")

    task = asyncio.create_task(take())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert everything(shelf) == []


@pytest.mark.parametrize(
    "number, code",
    [(errno.ENOSPC, "storage_full"), (errno.EDQUOT, "storage_full"), (errno.EIO, "unavailable")],
)
async def test_disk_fails(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, number: int, code: str) -> None:
    """A disk that is full, or fails, is told apart; nothing is left of what was under way."""

    def fail(_: Path) -> None:
        raise OSError(number, "it doesn't do it")

    monkeypatch.setattr(shelves, "sync", fail)

    with pytest.raises(ChatError) as caught:
        await put(shelf)

    assert caught.value.code == code
    assert everything(shelf) == []


async def test_content_is_removed(shelf: Shelf) -> None:
    """What is removed is gone with its small pictures; to remove what isn't there is no mistake."""
    await put(shelf)

    assert await shelf.remove(ID)
    assert everything(shelf) == []
    assert await shelf.remove(ID)


async def test_stubborn_disk_is_told(shelf: Shelf) -> None:
    """What the disk won't give up is said to be there still."""
    shelf.place(ID).mkdir(parents=True)

    assert not await shelf.remove(ID)


async def test_old_contents_are_listed(shelf: Shelf) -> None:
    """Old contents are told; an old upload that was never finished is removed by the way."""
    await put(shelf)
    await put(shelf, "f_newnew")
    left = shelf.folder / "ab" / ".f_abc.part"
    left.write_bytes(b"")
    for path in (left, *shelf.places(ID)):
        if path.exists():
            os.utime(path, (1, 1))

    assert await shelf.list_old(3600) == [ID]
    assert not left.exists()
