"""The raw limit of storing: one bare writer that commits what a chat has committed, batch by batch.

    replay.py SOURCE TARGET     files of SQLite, or addresses of PostgreSQL

It reads from one database what was posted there, and which posts came in one commit: those have one time.
Then it stores the same in another, in which nothing was said yet, by the driver alone: the same rows, the
same heads and marks, the same durability.  It asks the database nothing, checks nothing and tells nobody.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import asyncpg  # type: ignore[import-untyped]

#: What SQLite is told by the chat as well.
PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "wal_autocheckpoint = 1000")

EVENT = ("stream", "q", "kind", "ts", "author", "nonce", "body", "size", "body_hash")
MESSAGE = ("stream", "q", "rev", "ts", "author", "nonce", "text", "ord", "said", "replies")
READ = (
    f"SELECT {', '.join(f'e.{name}' for name in EVENT)}, m.text, m.ord"
    " FROM events e JOIN messages m ON m.stream = e.stream AND m.q = e.q ORDER BY e.ts, e.stream, e.q"
)
RAISE = "UPDATE streams SET head = head + $1, counted = counted + $1, changed = $2 WHERE id = $3"
MARK = 'UPDATE memberships SET read = $1, read_ord = $2, mentions = 0 WHERE room = $3 AND "user" = $4'

Rows = Sequence[Sequence[Any]]


class Batch(NamedTuple):
    """What is stored by one commit: rows for each statement."""

    size: int
    heads: Rows
    events: Rows
    messages: Rows
    marks: Rows


def insertion(table: str, columns: Sequence[str]) -> str:
    """Return the statement that adds a row."""
    places = ", ".join(f"${number + 1}" for number in range(len(columns)))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"


STATEMENTS = (RAISE, insertion("events", EVENT), insertion("messages", MESSAGE), MARK)


def batches(rows: Rows) -> list[Batch]:
    """Return what was committed, in its order."""
    return [batch(ts, [*group]) for ts, group in groupby(rows, key=lambda row: row[3])]


def batch(ts: int, rows: Rows) -> Batch:
    """Return what one commit has stored."""
    heads = [(count, ts, stream) for stream, count in sorted(Counter(row[0] for row in rows).items())]
    events = [row[:9] for row in rows]
    messages = [
        (stream, q, q, at, author, nonce, text, number, q, 0)
        for stream, q, _, at, author, nonce, _, _, _, text, number in rows
    ]
    # The last of each author in a room counts.
    marks = {(row[0], row[4]): (row[1], row[10]) for row in rows}
    return Batch(len(rows), heads, events, messages, [(*mark, *place) for place, mark in marks.items()])


class Database(Protocol):
    """A database, by its driver."""

    async def read(self) -> Rows:
        """Return what was posted."""

    async def write(self, batch: Batch) -> None:
        """Commit."""


class SQLite:
    """A file."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        # It numbers parameters by question marks.
        self._statements = [statement.replace("$", "?") for statement in STATEMENTS]

    async def read(self) -> Rows:
        """Return what was posted."""
        return self._connection.execute(READ).fetchall()

    async def write(self, batch: Batch) -> None:
        """Commit."""
        self._connection.execute("BEGIN IMMEDIATE")
        for statement, rows in zip(self._statements, batch[1:], strict=True):
            self._connection.executemany(statement, rows)
        self._connection.execute("COMMIT")


class PostgreSQL:
    """A database of a server."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def read(self) -> Rows:
        """Return what was posted."""
        rows: Rows = await self._connection.fetch(READ)
        return [tuple(row) for row in rows]

    async def write(self, batch: Batch) -> None:
        """Commit."""
        async with self._connection.transaction():
            for statement, rows in zip(STATEMENTS, batch[1:], strict=True):
                await self._connection.executemany(statement, rows)


async def opened(place: str) -> Database:
    """Open a database."""
    if place.startswith("postgresql:"):
        return PostgreSQL(await asyncpg.connect(place))
    return SQLite(place)


async def main(source: str, target: str) -> None:
    """Store again what was stored, and say how long that took."""
    committed = batches(await (await opened(source)).read())
    database = await opened(target)
    begun, cpu = time.perf_counter(), time.process_time()
    for each in committed:
        await database.write(each)
    figures = {
        "count": sum(each.size for each in committed),
        "commits": len(committed),
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
