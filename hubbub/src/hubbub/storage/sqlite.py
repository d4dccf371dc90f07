"""Opens a SQLite database, and keeps its log short.

Invariants:

1. What was committed is on the disk: WAL with synchronous=FULL.
2. Every transaction begins when we say so; one that writes has the right to from its first statement.
3. The log doesn't grow for ever, even if somebody reads for ever: then nothing is written until they end.
4. Nothing is committed into a file that isn't there any more, or isn't the same.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, create_engine, event

from hubbub.storage.transactions import BlockingEngine

_READERS: Final = 4

_BUSY_TIMEOUT: Final = "busy_timeout = 5000"
# SQLite empties the log when nobody reads from it; this is when it is made to, and when enough is enough.
_LOG_LONG: Final = 32 * 1024 * 1024
_LOG_MAX: Final = 1024 * 1024 * 1024
# Who waits for the end of readers, keeps the writes waiting: not for long, and not often.
_TRUNCATE_TIMEOUT: Final = "busy_timeout = 100"
_TRUNCATE_INTERVAL: Final = 1.0

_PRAGMAS: Final = (
    _BUSY_TIMEOUT,
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "wal_autocheckpoint = 1000",
    f"journal_size_limit = {_LOG_LONG}",
    "analysis_limit = 400",
)


def open_sqlite(url: URL) -> tuple[BlockingEngine, BlockingEngine]:
    """Make the ways into a database: for reading, and for writing."""
    reading, writing = _open(url, _READERS, "reader"), _open(url, 1, "writer")
    for engine in (reading, writing):
        event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(reading.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    files = _Files(Path(url.database or ""))
    event.listen(writing.sync_engine, "connect", files.on_connect)
    event.listen(writing.sync_engine, "begin", files.on_begin)
    event.listen(writing.sync_engine, "commit", files.on_commit)
    return reading, writing


def _open(url: URL, connections: int, name: str) -> BlockingEngine:
    # One thread to a connection.
    engine = create_engine(url, pool_size=connections, max_overflow=0, hide_parameters=True)
    return BlockingEngine(engine, connections, name)


def _prepare(connection: Any, _record: object) -> None:
    # The driver would begin a transaction at its first change only, which is too late for invariant 2.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class _Files:
    """The files of a database, as its writer sees them."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._log = database.with_name(f"{database.name}-wal")
        self._opened: tuple[int, int] | None = None
        self._truncated = float("-inf")

    def on_connect(self, _connection: object, _record: object) -> None:
        """Remember which file it is; who comes back after a failure must find the same."""
        self._opened = self._opened or self._identify()

    def on_begin(self, connection: Connection) -> None:
        """Begin a transaction, once the log is short."""
        now = time.monotonic()
        if self._measure_log() > _LOG_LONG and now - self._truncated >= _TRUNCATE_INTERVAL:
            self._truncated = now
            connection.exec_driver_sql(f"PRAGMA {_TRUNCATE_TIMEOUT}")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql(f"PRAGMA {_BUSY_TIMEOUT}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def on_commit(self, _connection: Connection) -> None:
        """Make sure that what is committed now is there later.

        Raises:
            OSError: if it wouldn't be.
        """
        if self._identify() != self._opened:
            raise OSError(f"{self._database} is another file than when it was opened")
        if self._measure_log() > _LOG_MAX:
            raise OSError(
                f"{self._log} can't be emptied: somebody has been reading {self._database} for long"
            )

    def _identify(self) -> tuple[int, int]:
        found = self._database.stat()
        return found.st_dev, found.st_ino

    def _measure_log(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0
