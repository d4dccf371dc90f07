"""Opens the database, of whichever kind, and asks what each kind is to be asked differently.

Of the queries, nothing else knows what sets one kind apart from another.

Invariants:

1. What was committed is on the disk.
2. A read transaction sees one state from beginning to end; a write transaction is the only one of its time.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVarTuple

from sqlalchemy import (
    ARRAY,
    URL,
    Column,
    Row,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.sqlite import open_sqlite

Ts = TypeVarTuple("Ts")


def database_url(url: str | None, file: Path) -> URL:
    """Return where the database is: PostgreSQL's that a setting names, or a file of SQLite's.

    Raises:
        StorageUnusableError: if it can't be used from here.
    """
    if url is None:
        return sqlite_url(file)
    try:
        from hubbub.storage.postgresql import postgresql_url
    except ImportError as error:
        raise StorageUnusableError(
            "PostgreSQL needs a driver, which pip install 'hubbub[postgresql]' installs"
        ) from error
    return postgresql_url(url)


def sqlite_url(file: Path) -> URL:
    """Return where a SQLite database is that is a file."""
    return URL.create("sqlite+pysqlite", database=str(file))


@dataclass(frozen=True, slots=True)
class Engines:
    """The ways into one database: for read transactions, and for those of the one writer.

    They are apart so that no crowd of readers keeps the writer waiting.
    """

    reading: AsyncEngine
    writing: AsyncEngine

    async def dispose(self) -> None:
        """Close every connection."""
        await self.reading.dispose()
        await self.writing.dispose()


def open_engines(url: URL) -> Engines:
    """Make the ways into a database; nothing is opened before it is needed."""
    if url.get_backend_name() == "postgresql":
        from hubbub.storage.postgresql import open_postgresql

        return Engines(*open_postgresql(url))
    return Engines(*open_sqlite(url))


async def optimize(connection: AsyncConnection) -> None:
    """Let SQLite look at its tables, to know how to search them; PostgreSQL does so by itself."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("PRAGMA optimize")


async def select_pairs(
    connection: AsyncConnection,
    query: Select[*Ts],
    first: Column[Any],
    second: Column[Any],
    pairs: Collection[tuple[object, object]],
) -> Sequence[Row[*Ts]]:
    """Return the rows of a query in which two columns together are one of the pairs."""
    if not pairs:
        return []
    if connection.dialect.name == "postgresql":
        firsts, seconds = zip(*pairs, strict=True)
        given = {"firsts": list(firsts), "seconds": list(seconds)}
        return (await connection.execute(_among_pairs(query, first, second), given)).all()
    values = {
        name: value
        for index, pair in enumerate(pairs)
        for name, value in zip(_names(index), pair, strict=True)
    }
    return (await connection.execute(_with_pairs(query, first, second, len(pairs)), values)).all()


@functools.lru_cache(maxsize=32)
def _among_pairs(query: Select[*Ts], first: Column[Any], second: Column[Any]) -> Select[*Ts]:
    # One statement for any number of pairs, so that PostgreSQL plans it once.
    lists = [bindparam(name, type_=ARRAY(of.type)) for name, of in (("firsts", first), ("seconds", second))]
    pairs = func.unnest(*lists).table_valued("a", "b").render_derived()
    return query.where(tuple_(first, second).in_(select(pairs.c.a, pairs.c.b)))


@functools.lru_cache(maxsize=512)
def _with_pairs(query: Select[*Ts], first: Column[Any], second: Column[Any], count: int) -> Select[*Ts]:
    # As ORs, which SQLite looks up in an index; it scans the whole table for (a, b) IN (VALUES ...).
    # Making them takes longer than finding the rows, so each number of pairs is made once.
    names = map(_names, range(count))
    return query.where(or_(*(and_(first == bindparam(a), second == bindparam(b)) for a, b in names)))


def _names(index: int) -> tuple[str, str]:
    return f"first_{index}", f"second_{index}"
