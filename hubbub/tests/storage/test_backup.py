"""Copies of a database: that they are whole, and what taking their place does."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hubbub.domain.events import MessagePosted
from hubbub.domain.models import LOBBY
from hubbub.storage import backup
from hubbub.storage.backup import back_up, restore
from hubbub.storage.database import Database
from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.posting import Post

NOW = 1_900_000_000_000


@pytest.fixture
def backend() -> str:
    """Return the one kind of database that this is about."""
    return "sqlite"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the database is."""
    return tmp_path / "test.sqlite3"


@pytest.fixture
async def say(database: Database, guest) -> Callable[[str], None]:
    """Return what stores a message of Ann's in the lobby, whoever waits meanwhile."""
    ann, loop = await guest("安"), asyncio.get_running_loop()

    def say(nonce: str) -> None:
        post = Post(LOBBY, ann.user.id, MessagePosted(nonce, "茶"))
        asyncio.run_coroutine_threadsafe(database.post(post), loop).result()

    return say


def silent(_what: str, _done: float) -> None:
    """Tell nobody."""


def ask(file: Path, query: str) -> list[object]:
    """Return the first column of what a database answers."""
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute(query)]


def spoil(file: Path, statement: str) -> None:
    """Change a database behind its back."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


NONCES = "SELECT nonce FROM messages ORDER BY q"
EPOCHS = "SELECT DISTINCT epoch FROM streams"


async def test_copy_has_everything(say, file: Path, tmp_path: Path) -> None:
    """A copy is one file, for its owner alone, with whatever was committed; its name may be Chinese."""
    await asyncio.to_thread(say, "nonce-01")
    target = tmp_path / "备份 1?.sqlite3"

    await asyncio.to_thread(back_up, file, target, silent)

    assert ask(target, NONCES) == ["nonce-01"]
    assert ask(target, "PRAGMA journal_mode") == ["delete"]
    assert target.stat().st_mode & 0o077 == 0
    assert sorted(os.listdir(tmp_path)) == [
        file.name,
        f"{file.name}-shm",
        f"{file.name}-wal",
        target.name,
    ]


async def test_copy_has_one_state(say, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while the copy is made isn't in it, nor keeps it from coming to an end."""
    await asyncio.to_thread(say, "nonce-01")
    monkeypatch.setattr(backup, "_STEP", 1)
    told: list[tuple[str, float]] = []

    def write(what: str, done: float) -> None:
        if what == "Copying":
            say(f"during-{len(told):03}")
        told.append((what, done))

    await asyncio.to_thread(back_up, file, tmp_path / "copy", write)

    assert ask(tmp_path / "copy", NONCES) == ["nonce-01"]
    assert len(told) > 10
    assert [each for each in told if each[1] == 1] == [("Copying", 1), ("Verifying", 1)]
    assert told == sorted(told)


async def test_nothing_is_overwritten(database: Database, file: Path, tmp_path: Path) -> None:
    """A file that is there is left alone."""
    (tmp_path / "copy").write_text("mine")

    with pytest.raises(StorageUnusableError, match="is there already"):
        await asyncio.to_thread(back_up, file, tmp_path / "copy", silent)

    assert (tmp_path / "copy").read_text() == "mine"


@pytest.mark.parametrize(
    "statement,said",
    [
        ("DELETE FROM events WHERE q = 1", "refers to|are missing"),
        ("UPDATE streams SET head = head + 1 WHERE id LIKE 'u_%'", "events of u_.* are missing"),
        ("UPDATE events SET q = q + 5 WHERE kind = 'member'", "events of .* are missing"),
        ("UPDATE alembic_version SET version_num = '9999'", "newer version"),
        ("DROP TABLE alembic_version", "another program"),
    ],
)
async def test_broken_copy_is_no_copy(
    database: Database, guest, file: Path, tmp_path: Path, statement: str, said: str
) -> None:
    """A copy in which anything is missing is refused, to make and to put back."""
    await guest("Ann")
    spoil(file, statement)
    (tmp_path / "spoilt").write_bytes(b"")
    with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(tmp_path / "spoilt")) as other:
        one.backup(other)

    for do in (back_up, lambda origin, target, tell: restore(origin, target, NOW, tell)):
        with pytest.raises(StorageUnusableError, match=said):
            await asyncio.to_thread(do, tmp_path / "spoilt", tmp_path / "target", silent)

    assert not (tmp_path / "target").exists()
    assert not (tmp_path / ".target.part").exists()


@pytest.mark.parametrize(
    "content,said", [(None, "there is no file"), (b"junk" * 999, "not a database"), (b"", "nothing in it")]
)
def test_junk_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    """What is no database can't be copied or put back."""
    if content is not None:
        (tmp_path / "junk").write_bytes(content)

    with pytest.raises(StorageUnusableError, match=said):
        restore(tmp_path / "junk", tmp_path / "target", NOW, silent)

    assert not (tmp_path / "target").exists()


def test_damaged_page_is_found(migrated_sqlite: Path, tmp_path: Path) -> None:
    """A copy of which a disk has spoilt a page is refused."""
    content = bytearray(migrated_sqlite.read_bytes())
    content[3 * 4096 : 4 * 4096] = b"\x55" * 4096
    (tmp_path / "spoilt").write_bytes(content)

    with pytest.raises(StorageUnusableError, match=r"damaged|malformed"):
        back_up(tmp_path / "spoilt", tmp_path / "copy", silent)


def test_impossible_place_is_told(migrated_sqlite: Path, tmp_path: Path) -> None:
    """Where nothing can be written, no copy can be."""
    with pytest.raises(StorageUnusableError, match="can't be written"):
        back_up(migrated_sqlite, tmp_path / "nowhere" / "copy", silent)


async def test_restored_database_is_the_copy(say, database: Database, file: Path, tmp_path: Path) -> None:
    """What is put back has new epochs; what was there before is kept, whole."""
    await asyncio.to_thread(say, "nonce-01")
    await asyncio.to_thread(back_up, file, tmp_path / "copy", silent)
    await asyncio.to_thread(say, "nonce-02")
    await database.close()

    kept = restore(tmp_path / "copy", file, NOW, silent)

    assert kept is not None
    assert kept.parent == file.parent
    assert (ask(file, NONCES), ask(kept, NONCES)) == (["nonce-01"], ["nonce-01", "nonce-02"])
    assert (ask(file, EPOCHS), ask(kept, EPOCHS)) == ([NOW], ask(tmp_path / "copy", EPOCHS))
    assert os.stat(file).st_mode & 0o077 == 0


async def test_epochs_are_never_given_again(database: Database, file: Path, tmp_path: Path) -> None:
    """However wrong the clock is, an epoch is one that neither database had."""
    await asyncio.to_thread(back_up, file, tmp_path / "copy", silent)
    await database.close()
    [first] = ask(file, EPOCHS)

    restore(tmp_path / "copy", file, 1, silent).unlink()
    [second] = ask(file, EPOCHS)
    restore(tmp_path / "copy", file, 1, silent)

    assert ask(file, EPOCHS) == [second + 1] == [first + 2]


async def test_killed_chats_log_is_kept(say, file: Path, tmp_path: Path) -> None:
    """What a chat that was killed has only in its log goes with the old database, not into the new one."""
    await asyncio.to_thread(back_up, file, tmp_path / "copy", silent)
    await asyncio.to_thread(say, "nonce-01")
    dead = tmp_path / "dead" / "chat.sqlite3"
    dead.parent.mkdir()
    for suffix in ("", "-wal"):
        dead.with_name(dead.name + suffix).write_bytes(file.with_name(file.name + suffix).read_bytes())

    kept = restore(tmp_path / "copy", dead, NOW, silent)

    assert kept is not None
    assert (ask(dead, NONCES), ask(kept, NONCES)) == ([], ["nonce-01"])


def test_unreadable_database_is_kept(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that can't be opened any more is kept as it is, with its log."""
    junk, old, connect = b"junk" * 999, tmp_path / "chat.sqlite3", backup._connect

    def refuse_old(file: Path) -> sqlite3.Connection:
        if file == old:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(file)

    for name in ("chat.sqlite3", "chat.sqlite3-wal", "chat.sqlite3-shm"):
        (tmp_path / name).write_bytes(junk)
    monkeypatch.setattr(backup, "_connect", refuse_old)

    kept = restore(migrated_sqlite, old, NOW, silent)

    assert kept is not None
    assert kept.read_bytes() == kept.with_name(f"{kept.name}-wal").read_bytes() == junk
    assert ask(old, "SELECT count(*) FROM users") == [0]


def test_disk_without_links_is_no_matter(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file can't have two names, the old database is copied."""

    def fail(*_: object) -> None:
        raise OSError("not supported")

    (tmp_path / "chat.sqlite3").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setattr("os.link", fail)

    kept = restore(migrated_sqlite, tmp_path / "chat.sqlite3", NOW, silent)

    assert kept is not None
    assert kept.read_bytes() == migrated_sqlite.read_bytes()
