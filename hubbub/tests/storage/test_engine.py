"""Transactions, look-ups and failures, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hubbub.domain.errors import ChatError, Code
from hubbub.storage.engine import Engines, as_chat_error, is_fault_of_one, select_pairs
from hubbub.storage.tables import events, users


async def test_sqlite_keeps_what_it_committed(engines: Engines) -> None:
    """SQLite has a WAL that is synced at every commit, and checks foreign keys."""
    async with engines.writing.connect() as connection:
        found = [
            await connection.scalar(text(f"PRAGMA {pragma}"))
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert found == ["wal", 2, 1, 5000]


async def test_read_transaction_sees_one_state(engines: Engines) -> None:
    """What is committed meanwhile is not seen before the next transaction."""
    new = insert(users).values(id="u_ann", name="Ann", kind="guest", created=1)
    async with engines.reading.connect() as reading:
        async with reading.begin():
            before = (await reading.execute(select(users.c.id))).all()
            async with engines.writing.begin() as writing:
                await writing.execute(new)
            same = (await reading.execute(select(users.c.id))).all()
        async with reading.begin():
            after = (await reading.execute(select(users.c.id))).all()

    assert (before, same, after) == ([], [], [("u_ann",)])


async def test_pairs_are_found_by_index(engines: Engines) -> None:
    """Looking up pairs doesn't read the whole table."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        asked.append((statement, values))

    pairs = [("u_ann", "nonce-01"), ("u_bob", "nonce-02")]
    event.listen(engines.reading.sync_engine, "before_cursor_execute", note)
    async with engines.reading.connect() as connection:
        await select_pairs(connection, select(events.c.q), events.c.author, events.c.nonce, pairs)
        statement, values = asked[-1]
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()

    assert values == ("u_ann", "nonce-01", "u_bob", "nonce-02")
    assert not [step for step in plan if str(step[-1]).startswith("SCAN")]


class SQLiteError(Exception):
    pass


def failure(kind: type[DBAPIError], sentence: str) -> DBAPIError:
    """Make an error as the driver's errors arrive."""
    return kind("INSERT", {}, SQLiteError(sentence))


@pytest.mark.parametrize(
    "error,one,code",
    [
        (failure(IntegrityError, "UNIQUE constraint failed"), True, Code.INTERNAL),
        (failure(OperationalError, "database or disk is full"), False, Code.STORAGE_FULL),
        (failure(OperationalError, "database is locked"), False, Code.UNAVAILABLE),
        (failure(OperationalError, "disk I/O error"), False, Code.UNAVAILABLE),
        (PoolTimeoutError("no connection left"), False, Code.UNAVAILABLE),
        (LookupError("no such stream"), True, Code.INTERNAL),
        (ChatError(Code.NOT_FOUND), True, Code.NOT_FOUND),
    ],
)
def test_failures_are_told_apart(error: Exception, one: bool, code: Code) -> None:
    """A mistake in one write, a database in trouble and a full disk are answered differently."""
    assert is_fault_of_one(error) is one
    assert as_chat_error(error).code is code
