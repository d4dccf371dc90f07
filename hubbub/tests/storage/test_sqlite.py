"""What is peculiar to SQLite: its log, its file, and who else is at it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MessagePosted
from hubbub.domain.models import LOBBY
from hubbub.storage import sqlite
from hubbub.storage.database import Database
from hubbub.storage.engine import Engines
from hubbub.storage.posting import Post

Say = Callable[[str], Awaitable[object]]


@pytest.fixture
def backend() -> str:
    """Return the one kind of database that this is about."""
    return "sqlite"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the database is."""
    return tmp_path / "test.sqlite3"


@pytest.fixture
async def say(database: Database, guest) -> Say:
    """Return what stores a message of Ann's, or returns why not."""
    ann = await guest("Ann")

    async def say(nonce: str) -> object:
        try:
            return await database.post(Post(LOBBY, ann.user.id, MessagePosted(nonce, nonce)))
        except ChatError as error:
            return error.code

    return say


async def count(database: Database) -> object:
    """Return how many messages there are."""
    return await database.read(lambda connection: connection.scalar(text("SELECT count(*) FROM messages")))


async def test_commits_are_on_the_disk(engines: Engines) -> None:
    """SQLite has a log that is synced at every commit, and checks foreign keys."""
    async with engines.writing.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "wal_autocheckpoint")
        found = [await connection.scalar(text(f"PRAGMA {pragma}")) for pragma in pragmas]

    assert found == ["wal", 2, 1, 5000, 1000]


@pytest.fixture
async def reader(say: Say, file: Path) -> AsyncIterator[sqlite3.Connection]:
    """Read the database for as long as the test wants, from a program of one's own."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM users").fetchall()
        yield connection


async def test_log_is_emptied_behind_readers(
    say: Say, reader: sqlite3.Connection, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that has grown long while somebody read is emptied when they end, and writes go on meanwhile."""
    monkeypatch.setattr(sqlite, "_LOG_LONG", 40_000)
    monkeypatch.setattr(sqlite, "_TRUNCATE_TIMEOUT", "busy_timeout = 1")
    log = file.with_name(f"{file.name}-wal")
    for number in range(20):
        assert not isinstance(await say(f"before-{number:03}"), Code)
    long = log.stat().st_size
    reader.execute("ROLLBACK")
    monkeypatch.setattr(sqlite, "_TRUNCATE_INTERVAL", 0)
    await say("after-0001")

    assert long > 40_000 > log.stat().st_size


async def test_log_has_a_limit(
    database: Database,
    say: Say,
    reader: sqlite3.Connection,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Somebody who reads for ever stops the writes before the disk is full; when they end, writes go on."""
    monkeypatch.setattr(sqlite, "_LOG_LONG", 40_000)
    monkeypatch.setattr(sqlite, "_LOG_MAX", 200_000)
    monkeypatch.setattr(sqlite, "_TRUNCATE_TIMEOUT", "busy_timeout = 1")
    monkeypatch.setattr(sqlite, "_TRUNCATE_INTERVAL", 0)
    stored = 0
    while (said := await say(f"nonce-{stored:03}")) is not Code.UNAVAILABLE:
        stored += 1
    again = [await say(f"again-{number:03}") for number in range(9)]
    size, readable = file.with_name(f"{file.name}-wal").stat().st_size, await count(database)
    reader.execute("ROLLBACK")
    after = await say(f"nonce-{stored:03}")

    assert said == Code.UNAVAILABLE
    assert again == [Code.UNAVAILABLE] * 9
    assert size < 300_000
    assert readable == stored
    assert not isinstance(after, Code)
    assert "somebody has been reading" in caplog.text


async def test_locked_file_is_waited_for(
    database: Database,
    engines: Engines,
    say: Say,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While another program holds the file, reads go on and writes are refused for now; then they go on."""
    await engines.dispose()
    monkeypatch.setattr(sqlite, "_PRAGMAS", (*sqlite._PRAGMAS, "busy_timeout = 1"))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused, readable = await say("nonce-01"), await count(database)
    stored = await say("nonce-01")

    assert (refused, readable) == (Code.UNAVAILABLE, 0)
    assert not isinstance(stored, Code)
    assert "locked" in caplog.text


async def test_full_disk_is_told(
    database: Database, engines: Engines, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    """On a full disk reads go on, writes are refused for now, and when there is room again they go on."""

    async def limit(pages: int) -> None:
        async with engines.writing.connect() as connection:
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    await limit(1)
    stored = 0
    while (refused := await say(f"{stored:03}-" + "x" * 60)) is not Code.STORAGE_FULL:
        stored += 1
    readable = await count(database)
    await limit(1_000_000)
    after = await say(f"{stored:03}-" + "x" * 60)

    assert (refused, readable) == (Code.STORAGE_FULL, stored)
    assert not isinstance(after, Code)
    assert await count(database) == stored + 1
    assert await database.read(lambda connection: connection.scalar(text("PRAGMA integrity_check"))) == "ok"
    assert "full" in caplog.text


async def test_lost_file_is_noticed(
    database: Database, say: Say, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is written into a file that was removed isn't acknowledged; when it is back, all goes on."""
    await say("nonce-01")
    away = file.with_name("away")
    os.rename(file, away)
    lost = await say("nonce-02")
    os.close(os.open(file, os.O_CREAT))
    replaced = await say("nonce-02")
    os.replace(away, file)
    found = await say("nonce-02")

    assert (lost, replaced) == (Code.UNAVAILABLE, Code.UNAVAILABLE)
    assert not isinstance(found, Code)
    assert await count(database) == 2
    assert "another file" in caplog.text
