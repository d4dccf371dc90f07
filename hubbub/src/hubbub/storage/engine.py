"""Opens the database, of whichever kind, and asks what each kind is to be asked differently.

Of the queries, nothing else knows what sets one kind apart from another.

Invariants:

1. What was committed is on the disk.
2. A read transaction sees one state from beginning to end; a write transaction is the only one of its time.
3. An error tells of a statement, and not of the values in it: what people say is nothing for a log.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVarTuple

import msgspec
from sqlalchemy import (
    ARRAY,
    URL,
    Column,
    ColumnElement,
    Dialect,
    Insert,
    Row,
    Select,
    Text,
    Update,
    bindparam,
    func,
    literal_column,
    type_coerce,
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
    statement = _among_pairs(connection.dialect.name, query, first, second)
    return (await connection.execute(statement, give(connection, list(pairs)))).all()


@functools.lru_cache(maxsize=32)
def _among_pairs(dialect: str, query: Select[*Ts], first: Column[Any], second: Column[Any]) -> Select[*Ts]:
    a, b = given(dialect, first, second)
    return query.where(first == a, second == b)


def given(dialect: str, *like: Column[Any]) -> list[ColumnElement[Any]]:
    """Return the columns, of the types that others have, of a table whose rows `give` gives a statement.

    So it is one statement for any number of rows, which is planned once and done at once.
    """
    if dialect == "postgresql":
        lists = [bindparam(f"given_{at}", type_=ARRAY(each.type)) for at, each in enumerate(like)]
        table = func.unnest(*lists).table_valued(*(f"c{at}" for at in range(len(like))), name="given")
        return list(table.render_derived().c)
    table = func.json_each(bindparam("given", type_=Text)).table_valued("value", name="given")
    fields = (func.json_extract(table.c.value, literal_column(f"'$[{at}]'")) for at in range(len(like)))
    return [type_coerce(field, each.type) for field, each in zip(fields, like, strict=True)]


def give(connection: AsyncConnection, rows: Sequence[Sequence[object]]) -> Mapping[str, object]:
    """Return the parameters that say what `given` has in it: numbers, and texts without NUL."""
    if connection.dialect.name == "postgresql":
        return {f"given_{at}": list(column) for at, column in enumerate(zip(*rows, strict=True))}
    return {"given": msgspec.json.encode(rows).decode()}


async def execute_each(
    connection: AsyncConnection, statement: Insert | Update, rows: Sequence[Mapping[str, object]]
) -> None:
    """Execute a statement once for each row; all have the same columns, two at least.

    The driver gets the values as they are.  SQLAlchemy would prepare each row for itself, which takes longer
    than to store it.
    """
    text, names, constants = _compile(statement, connection.dialect, tuple(rows[0]))
    whole = ({**constants, **row} for row in rows) if constants else rows
    await connection.exec_driver_sql(text, list(map(itemgetter(*names), whole)))


@functools.lru_cache(maxsize=64)
def _compile(
    statement: Insert | Update, dialect: Dialect, columns: tuple[str, ...]
) -> tuple[str, Sequence[str], Mapping[str, object]]:
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    assert compiled.positiontup is not None
    constants = {name: value for name, value in compiled.params.items() if name not in columns}
    return str(compiled), compiled.positiontup, constants
