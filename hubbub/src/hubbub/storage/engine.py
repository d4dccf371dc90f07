"""Opens the database and says what its failures mean.

Knows what sets one engine apart from another; nothing else in this package does.

Invariants:

1. What was committed is on the disk (SQLite: WAL with synchronous=FULL).
2. Every transaction begins when we say so: a read transaction sees one state from beginning to end, a write
   transaction has the right to write from its first statement.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVarTuple

from sqlalchemy import URL, Column, Connection, Row, Select, and_, bindparam, event, or_
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hubbub.domain.errors import ChatError, Code

log = logging.getLogger(__name__)

Ts = TypeVarTuple("Ts")

# Reading is done in threads, one to a connection.
_READERS: Final = 4

_PRAGMAS: Final = (
    "busy_timeout = 5000",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
)

# What a database says of a statement that is wrong in itself.
_MISTAKES: Final = (DataError, IntegrityError, ProgrammingError)
# How SQLite and PostgreSQL say that there is no room left.
_FULL: Final = ("disk is full", "No space left on device")


class StorageUnusableError(Exception):
    """What is stored can't be used; the message says why, to the person who runs the server."""


def sqlite_url(file: Path) -> URL:
    """Return where a SQLite database is that is a file."""
    return URL.create("sqlite+aiosqlite", database=str(file))


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
    reading = create_async_engine(url, pool_size=_READERS, max_overflow=0)
    writing = create_async_engine(url, pool_size=1, max_overflow=0)
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(reading, "BEGIN")
        _prepare_sqlite(writing, "BEGIN IMMEDIATE")
    return Engines(reading, writing)


def _prepare_sqlite(engine: AsyncEngine, begin: str) -> None:
    def on_connect(connection: Any, _record: object) -> None:
        # The driver would begin a transaction at its first change only, which is too late for invariant 2.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)


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
    values = {
        name: value
        for index, pair in enumerate(pairs)
        for name, value in zip(_names(index), pair, strict=True)
    }
    return (await connection.execute(_with_pairs(query, first, second, len(pairs)), values)).all()


@functools.lru_cache(maxsize=512)
def _with_pairs(query: Select[*Ts], first: Column[Any], second: Column[Any], count: int) -> Select[*Ts]:
    # As ORs, which SQLite looks up in an index; it scans the whole table for (a, b) IN (VALUES ...).
    # Making them takes longer than finding the rows, so each number of pairs is made once.
    names = map(_names, range(count))
    return query.where(or_(*(and_(first == bindparam(a), second == bindparam(b)) for a, b in names)))


def _names(index: int) -> tuple[str, str]:
    return f"first_{index}", f"second_{index}"


def is_fault_of_one(error: Exception) -> bool:
    """Say whether a failed transaction may succeed without one of the writes in it.

    It may not when the database itself can't go on: then trying again would only cost time.
    """
    return not isinstance(error, SQLAlchemyError) or isinstance(error, _MISTAKES)


def as_chat_error(error: Exception) -> ChatError:
    """Return what to answer when a transaction failed so."""
    if isinstance(error, ChatError):
        return error
    log.error("a transaction failed: %s", error, exc_info=error)
    if is_fault_of_one(error):
        return ChatError(Code.INTERNAL)
    if any(sign in str(error) for sign in _FULL):
        return ChatError(Code.STORAGE_FULL)
    return ChatError(Code.UNAVAILABLE)
