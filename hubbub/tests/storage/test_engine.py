"""Transactions and look-ups, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from hubbub.storage.engine import Engines, execute_each, give, given, optimize, select_pairs
from hubbub.storage.tables import events, users


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


@pytest.mark.parametrize("backend", ["sqlite"])
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

    assert values == ('[["u_ann","nonce-01"],["u_bob","nonce-02"]]',)
    assert [step[-1].split()[:2] for step in plan] == [["SCAN", "given"], ["SEARCH", "events"]]


async def test_given_rows_are_a_table(engines: Engines) -> None:
    """A statement takes any number of rows, and their values as they are."""
    async with engines.writing.begin() as connection:
        number, text = given(connection.dialect.name, events.c.q, events.c.stream)
        query = select(number, text).order_by(number)
        found = [
            (await connection.execute(query, give(connection, rows))).all()
            for rows in ([(1, "r_1")], [(2**53, '"两\\'), (7, ""), (9, "9")])
        ]

    assert found == [[(1, "r_1")], [(7, ""), (9, "9"), (2**53, '"两\\')]]


async def test_each_row_is_executed(engines: Engines) -> None:
    """A statement with values of its own is executed once for each row, be it one or many."""
    rows = [{"id": f"u_{n}", "name": "Ann", "kind": "guest", "created": n} for n in range(3)]
    rename = update(users).where(users.c.created == bindparam("at")).values(name=bindparam("new"), kind="bot")
    async with engines.writing.begin() as connection:
        await execute_each(connection, insert(users), rows[:1])
        await execute_each(connection, insert(users), rows[1:])
        await execute_each(connection, rename, [{"new": "Bob", "at": 1}, {"new": "Eve", "at": 2}])
        found = (await connection.execute(select(users.c.name, users.c.kind).order_by(users.c.id))).all()

    assert found == [("Ann", "guest"), ("Bob", "bot"), ("Eve", "bot")]


async def test_any_number_of_pairs(engines: Engines) -> None:
    """However many pairs are looked up, all that are there are found, each once."""
    ids = [f"u_{number:04}" for number in range(3_000)]
    async with engines.writing.begin() as connection:
        await connection.execute(
            insert(users), [{"id": each, "name": "Ann", "kind": "guest", "created": 1} for each in ids]
        )
        pairs = [(each, "Ann") for each in ids] + [("u_0001", "Bob")]
        found = await select_pairs(connection, select(users.c.id), users.c.id, users.c.name, pairs)

    assert sorted(row.id for row in found) == ids


async def test_errors_keep_secrets(engines: Engines) -> None:
    """What is logged of a statement that failed has nothing of what was to be stored by it."""
    for engine in (engines.reading, engines.writing):
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError) as caught:
                await connection.execute(text("SELECT :words FROM nowhere"), {"words": "between us"})
        assert "nowhere" in str(caught.value)
        assert "between us" not in str(caught.value)


async def test_planner_is_told(backend: str, engines: Engines) -> None:
    """SQLite is asked to look at its tables; PostgreSQL does so without."""
    asked: list[str] = []
    event.listen(engines.writing.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    async with engines.writing.begin() as connection:
        await optimize(connection)

    assert [each for each in asked if each != "BEGIN IMMEDIATE"] == (
        ["PRAGMA optimize"] if backend == "sqlite" else []
    )
