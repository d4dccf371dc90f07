"""Whole transactions, where the driver awaits and where it blocks."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.storage import transactions
from hubbub.storage.engine import Engines
from hubbub.storage.tables import users

NEW = insert(users).values(id="u_ann", name="Ann", kind="guest", created=1)


async def count(engines: Engines) -> int:
    """Return how many users there are."""

    async def look(connection: AsyncConnection) -> int:
        return len((await connection.execute(select(users.c.id))).all())

    return await transactions.read(engines.reading, look)


async def test_writing_commits(engines: Engines) -> None:
    """What was written is there afterwards, unless something went wrong."""

    async def fail(connection: AsyncConnection) -> None:
        await connection.execute(NEW)
        raise LookupError

    with pytest.raises(LookupError):
        await transactions.write(engines.writing, fail)
    before = await count(engines)
    await transactions.write(engines.writing, lambda connection: connection.execute(NEW))

    assert (before, await count(engines)) == (0, 1)


async def test_reading_commits_nothing(engines: Engines) -> None:
    """What was changed where only reading was to be is undone."""
    commits: list[object] = []
    event.listen(engines.writing.sync_engine, "commit", commits.append)

    await transactions.read(engines.writing, lambda connection: connection.execute(NEW))

    assert (commits, await count(engines)) == ([], 0)


async def test_nested_parts_are_undone(engines: Engines) -> None:
    """A part of a transaction can be taken back by itself."""

    async def try_twice(connection: AsyncConnection) -> None:
        for outcome in ("rollback", "commit"):
            part = await connection.begin_nested()
            await connection.execute(NEW)
            await getattr(part, outcome)()

    await transactions.write(engines.writing, try_twice)

    assert await count(engines) == 1


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_loop_goes_on_meanwhile(engines: Engines) -> None:
    """While a transaction of a driver that blocks is under way, the loop isn't kept."""
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def wait(_connection: AsyncConnection) -> threading.Thread:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        return threading.current_thread()

    writing = asyncio.ensure_future(transactions.write(engines.writing, wait))
    await begun.wait()
    is_under_way = not writing.done()
    go_on.set()

    assert is_under_way
    assert await writing is not threading.current_thread()


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_waiting_inside_is_a_mistake(engines: Engines) -> None:
    """What waits for something else than its connection fails, and nothing of it is stored."""

    async def wait(connection: AsyncConnection) -> None:
        await connection.execute(NEW)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="something else"):
        await transactions.write(engines.writing, wait)

    assert await count(engines) == 0


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_cancelled_transaction_ends(engines: Engines) -> None:
    """Whoever stops waiting for a transaction that has begun doesn't stop it; the next comes after."""
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def write_late(connection: AsyncConnection) -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        await connection.execute(NEW)

    writing = asyncio.ensure_future(transactions.write(engines.writing, write_late))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    await transactions.write(engines.writing, lambda connection: connection.execute(select(users.c.id)))

    assert await count(engines) == 1


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_closing_waits_for_readers(engines: Engines) -> None:
    """Connections are closed when nobody uses them any more, even if nobody waits for who does."""
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    closed: list[object] = []
    event.listen(engines.reading.sync_engine, "close", lambda *given: closed.append(given))

    async def look(connection: AsyncConnection) -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        await connection.execute(select(users.c.id))

    reading = asyncio.ensure_future(transactions.read(engines.reading, look))
    await begun.wait()
    reading.cancel()
    closing = asyncio.ensure_future(engines.dispose())
    await asyncio.sleep(0)
    go_on.set()
    await closing

    assert len(closed) == 1


async def test_disposed_engines_open_again(engines: Engines) -> None:
    """Once every connection was closed, the next transaction opens one."""
    await count(engines)
    await engines.dispose()

    assert await count(engines) == 0
