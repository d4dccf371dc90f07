"""Opens a PostgreSQL database.

Invariants:

1. What was committed is on the disk (synchronous_commit=on).
2. A read transaction sees one state from beginning to end (REPEATABLE READ), and changes nothing.
3. One server writes at a time: its connection for writing holds a lock as long as it lives.  A second one
   would not hear of what the first commits.
4. It has that one connection, so its transactions never wait for each other's rows, in whatever order they
   need them.  Only a stranger's can be in their way; then they are done again (`writer`).
"""

from __future__ import annotations

from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from hubbub.storage.failures import StorageUnusableError

_READERS: Final = 8

# Any number does, so long as no other program's locks in the same database have it.
_LOCK: Final = 0x687562627562
# A server that was killed a moment ago may not have let go of it.
_LOCK_TIMEOUT: Final = "5s"

_CONNECT: Final[dict[str, Any]] = {
    "timeout": 10.0,
    "server_settings": {
        "application_name": "hubbub",
        "synchronous_commit": "on",
        # What a server that is gone for good had locked is free half a minute later.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    },
    # Statements are prepared once a connection; every query of the chat has its place.
    "prepared_statement_cache_size": 256,
}


def postgresql_url(url: str) -> URL:
    """Return where a database is, said in the way of libpq (postgresql://user@host/name).

    Raises:
        StorageUnusableError: if it doesn't say that.
    """
    try:
        return make_url(url).set(drivername="postgresql+asyncpg")
    except (ArgumentError, ValueError) as error:
        raise StorageUnusableError("its address makes no sense") from error


def open_postgresql(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    """Make the ways into a database: for reading, and for writing."""
    reading = create_async_engine(
        url,
        pool_size=_READERS,
        max_overflow=0,
        connect_args=_CONNECT,
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )
    writing = create_async_engine(
        url, pool_size=1, max_overflow=0, connect_args=_CONNECT, hide_parameters=True
    )
    event.listen(reading.sync_engine, "do_connect", _connect)
    event.listen(writing.sync_engine, "do_connect", _connect_alone)
    for engine in (reading, writing):
        event.listen(engine.sync_engine, "checkout", _require_open)
    return reading, writing


def _require_open(connection: Any, _record: object, _proxy: object) -> None:
    # A server that has gone closed them; the pool makes another, and nobody gets an error for it.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _connect(dialect: Any, _record: object, arguments: Any, options: Any) -> Any:
    try:
        return dialect.connect(*arguments, **options)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, dialect.dbapi.Error) as error:
        # As any other failure of a database arrives.
        raise OperationalError("connect", None, error) from error


def _connect_alone(dialect: Any, record: object, arguments: Any, options: Any) -> Any:
    connection = _connect(dialect, record, arguments, options)
    try:
        connection.run_async(_claim)
    except BaseException:
        connection.close()
        raise
    return connection


async def _claim(connection: asyncpg.Connection) -> None:
    if await connection.fetchval("SHOW server_encoding") != "UTF8":
        raise StorageUnusableError("it isn't one of UTF-8; createdb --encoding=UTF8 makes one")
    await connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
    except asyncpg.LockNotAvailableError as error:
        raise StorageUnusableError("another hubbub is using it") from error
    await connection.execute("RESET lock_timeout")
