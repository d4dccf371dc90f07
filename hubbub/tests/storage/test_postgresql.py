"""What is peculiar to PostgreSQL: what its connections ask for, and how its failures arrive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from faults.postgresql import PostgreSQL
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MessagePosted
from hubbub.domain.models import LOBBY
from hubbub.storage import postgresql, rooms, streams
from hubbub.storage.database import Database
from hubbub.storage.engine import Engines, open_engines, select_pairs
from hubbub.storage.failures import StorageUnusableError, is_fault_of_one
from hubbub.storage.postgresql import postgresql_url
from hubbub.storage.posting import Post
from hubbub.storage.tables import events, users
from hubbub.storage.writer import Transaction


@pytest.fixture
def backend() -> str:
    """Return the one kind of database that this is about."""
    return "postgresql"


@pytest.mark.parametrize(
    "url", ["postgresql://ann:secret@db.example:5433/chat", "postgresql:///chat?host=%2Frun%2Fpostgresql"]
)
def test_address_is_libpqs(url: str) -> None:
    """An address is taken as PostgreSQL's own programs take it."""
    taken = postgresql_url(url)

    assert taken.set(drivername="postgresql").render_as_string(hide_password=False) == url
    assert taken.get_driver_name() == "asyncpg"


def test_senseless_address_is_told() -> None:
    """What is no address is no database."""
    with pytest.raises(StorageUnusableError, match="makes no sense"):
        postgresql_url("postgresql")


async def test_commits_wait_for_the_disk(engines: Engines) -> None:
    """Whatever is the server's own choice, a commit is on the disk."""
    async with engines.writing.connect() as connection:
        assert await connection.scalar(text("SHOW synchronous_commit")) == "on"


async def test_readers_change_nothing(engines: Engines) -> None:
    """A read transaction sees one state, and may not write."""
    async with engines.reading.connect() as connection:
        assert await connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await connection.execute(insert(users).values(id="u", name="U", kind="guest", created=1))


async def test_pairs_are_one_statement(engines: Engines) -> None:
    """Looking up pairs doesn't read the whole table, and is planned once for any number of them."""
    asked: list[str] = []
    event.listen(engines.reading.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    pairs = [("u_ann", f"nonce-{n:02}") for n in range(9)]
    async with engines.reading.connect() as connection:
        for count in (1, 9):
            await select_pairs(connection, select(events.c.q), events.c.author, events.c.nonce, pairs[:count])
        # Of an empty table it would read all.
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        statement = re.sub(r"\$\d", "'{x}'", asked[0])
        plan = "\n".join(await connection.scalars(text(f"EXPLAIN {statement}")))

    assert asked[0] == asked[1]
    assert "uq_events_author" in plan


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for a lock."""
    monkeypatch.setattr(postgresql, "_LOCK_TIMEOUT", "1ms")


@pytest.mark.usefixtures("impatient")
async def test_database_is_for_one(engines: Engines, postgresql: PostgreSQL) -> None:
    """A second server can read, but not write, until the first has gone."""
    second = open_engines(postgresql.url("empty"))
    async with engines.writing.connect():
        with pytest.raises(StorageUnusableError, match="another hubbub is using it"):
            await second.writing.connect()
        async with second.reading.connect():
            pass
    await engines.dispose()
    async with second.writing.connect():
        pass
    await second.dispose()


async def test_database_must_be_unicode(postgresql: PostgreSQL, engines: Engines) -> None:
    """A database that can't hold every text is refused."""
    async with engines.reading.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=False)
        await outside.execute(text("DROP DATABASE IF EXISTS ascii"))
        await outside.execute(text("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0"))
    ascii_ = open_engines(postgresql.url("ascii"))

    with pytest.raises(StorageUnusableError, match="UTF-8"):
        await ascii_.writing.connect()


async def test_missing_database_is_told(postgresql: PostgreSQL) -> None:
    """A database that isn't there fails as any that fails."""
    nowhere = open_engines(postgresql.url("nowhere"))

    with pytest.raises(OperationalError, match="does not exist"):
        await nowhere.reading.connect()


@pytest.mark.parametrize("name", ["\0", "\ud800", 7], ids=["NUL", "half a character", "no text"])
async def test_impossible_value_is_its_own_fault(engines: Engines, name: object) -> None:
    """What PostgreSQL can't store is the fault of who wants it stored, and of nobody else."""
    with pytest.raises(Exception) as caught:
        async with engines.writing.begin() as connection:
            await connection.execute(insert(users).values(id="u", name=name, kind="guest", created=1))

    assert is_fault_of_one(caught.value)


async def test_impossible_id_is_refused(database: Database) -> None:
    """Who asks for what can't even be looked up is told that it makes no sense, in reading and in writing."""

    async def read() -> object:
        return await database.read(lambda connection: rooms.find(connection, "r_\0"))

    post = Post("r_\0", "u_ann", MessagePosted("nonce-01", "hi"))
    refused = await asyncio.gather(read(), database.post(post), return_exceptions=True)

    assert [each.code for each in refused if isinstance(each, ChatError)] == [Code.INVALID] * 2


@pytest.fixture
def stopped(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """Return the server, which runs again afterwards."""
    yield postgresql
    if not postgresql.is_running:
        postgresql.start()


async def test_lost_server_comes_back(
    database: Database, stopped: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    """While the server is away everything is refused for now; when it is back, everything goes on."""

    async def read() -> object:
        return await database.read(lambda connection: rooms.find(connection, LOBBY))

    async def write() -> object:
        return await database.write(lambda transaction: rooms.find(transaction.connection, LOBBY))

    before = [await read(), await write()]
    await asyncio.to_thread(stopped.stop)
    refused = await asyncio.gather(*(do() for do in (read, write, read, write)), return_exceptions=True)
    await asyncio.to_thread(stopped.start)
    after = [await read(), await write()]

    assert [each.code for each in refused if isinstance(each, ChatError)] == [Code.UNAVAILABLE] * 4
    assert after == before
    assert "a transaction failed" in caplog.text


async def test_restart_is_not_noticed(database: Database, stopped: PostgreSQL) -> None:
    """A server that was restarted while nothing was asked of it costs nobody an error."""
    before = await database.read(lambda connection: rooms.find(connection, LOBBY))

    await asyncio.to_thread(stopped.stop)
    await asyncio.to_thread(stopped.start)

    assert await database.read(lambda connection: rooms.find(connection, LOBBY)) == before
    assert await database.write(lambda transaction: rooms.find(transaction.connection, LOBBY)) == before


async def test_deadlock_is_tried_again(database: Database, engines: Engines) -> None:
    """A write that is undone for the sake of another transaction is done after it."""
    attempts: list[int] = []
    locked, waiting = asyncio.Event(), asyncio.Event()

    async def lock_second(transaction: Transaction) -> None:
        attempts.append(transaction.now)
        await transaction.connection.execute(text("SET LOCAL deadlock_timeout = '1ms'"))
        await transaction.connection.execute(text("LOCK TABLE rooms"))
        locked.set()
        await waiting.wait()
        await transaction.connection.execute(text("LOCK TABLE users"))

    other = open_engines(engines.reading.url)
    async with other.reading.connect() as connection, engines.reading.connect() as watching:
        await connection.execution_options(isolation_level="READ COMMITTED", postgresql_readonly=False)
        async with connection.begin():
            await connection.execute(text("SET LOCAL deadlock_timeout = '1h'"))
            await connection.execute(text("LOCK TABLE users"))
            writing = asyncio.ensure_future(database.write(lock_second))
            await locked.wait()
            blocked = asyncio.ensure_future(connection.execute(text("LOCK TABLE rooms")))
            # Who waits last finds the deadlock, and is undone for it.
            while not await watching.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                pass
            waiting.set()
            await blocked
        await writing
    await other.dispose()

    assert len(attempts) == 2
    assert await database.read(lambda connection: streams.read_heads(connection, [LOBBY]))
