"""Files beside the copy of their database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hubbub.actions.collect_files import collect_gone
from hubbub.actions.post_message import post_message
from hubbub.actions.upload_file import upload_file
from hubbub.domain.models import LOBBY
from hubbub.storage import files
from hubbub.storage.backup import back_up, restore, restore_files
from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.file_copies import folder_of
from hubbub.storage.shelf import FOLDER

from ..files import pieces
from .drawn import draw


@pytest.fixture
def backend() -> str:
    """Return the one kind of database that this is about."""
    return "sqlite"


@pytest.fixture
async def uploaded(database, store, guest) -> list[str]:
    """Let Ann post a picture, and leave a text unsent; return their ids."""
    ann = (await guest("Ann")).user
    picture = await upload_file(database, store, ann, LOBBY, "a.png", pieces(draw("PNG")))
    text = await upload_file(database, store, ann, LOBBY, "b.txt", pieces(b"tea"))
    await post_message(database, ann, LOBBY, "nonce-01", "", files=[picture.id])
    return [picture.id, text.id]


def files_in(folder: Path) -> dict[str, bytes]:
    """Return everything that is in a folder."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def silent(_what: str, _done: float) -> None:
    """Tell nobody."""


async def test_files_are_copied_and_put_back(store, uploaded, tmp_path: Path) -> None:
    """A copy has every file with its small pictures; put back, they are as they were."""
    database, copy, elsewhere = tmp_path / "test.sqlite3", tmp_path / "copy", tmp_path / "new"
    elsewhere.mkdir()

    assert back_up(database, copy, silent) == 0
    assert restore_files(copy, elsewhere, silent) == 0
    restore(copy, elsewhere / "hubbub.sqlite3", 1, silent)

    before = files_in(store.shelf.folder)
    assert len(before) == 4
    assert files_in(folder_of(copy)) == before
    assert files_in(elsewhere / FOLDER) == before


async def test_missing_files_are_counted(store, uploaded, tmp_path: Path) -> None:
    """What the database knows of and the disk hasn't is told, and doesn't keep the rest from being copied."""
    store.shelf.place(uploaded[1]).unlink()

    assert back_up(tmp_path / "test.sqlite3", tmp_path / "copy", silent) == 1

    assert uploaded[0] in files_in(folder_of(tmp_path / "copy"))


async def test_failed_copy_leaves_no_files(uploaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it can't be done, neither the copy nor its files are there; nor is another's folder touched."""
    (tmp_path / "taken.files").mkdir()
    with pytest.raises(StorageUnusableError, match="there already"):
        back_up(tmp_path / "test.sqlite3", tmp_path / "taken", silent)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fail)
    with pytest.raises(StorageUnusableError, match="No space left"):
        back_up(tmp_path / "test.sqlite3", tmp_path / "copy", silent)

    assert not [name for name in os.listdir(tmp_path) if "copy" in name]
    assert "taken.files" in os.listdir(tmp_path)


async def test_gone_files_are_not_copied(database, store, uploaded, tmp_path: Path) -> None:
    """What nobody can ask for is in no copy, nor is it missed."""
    await database.write(lambda transaction: files.drop(transaction.connection, uploaded[1]))
    await collect_gone(database, store.shelf)

    assert back_up(tmp_path / "test.sqlite3", tmp_path / "copy", silent) == 0
