"""Where a program's writes are kept until the server has them, so that its end isn't theirs.

Knows writes as the frames that they are sent as, by their nonces and in their order.  A file belongs to one
program at a time; what blocks, it does in a thread.

Invariants:

1. When `put` returns, the write is on the disk.
2. What one user wrote is never given to another.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, ParamSpec, Protocol, TypeVar, cast

from hubbub import wire
from hubbub.client.errors import OutboxUnusable
from hubbub.client.writes import Request, nonce_of

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT: Final = 5.0

# The file stays, so that it can be trusted after a cut of power as the server's own can.
_OPEN: Final = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS writes (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    nonce TEXT NOT NULL,
    author TEXT NOT NULL,
    frame TEXT NOT NULL,
    UNIQUE (author, nonce)
);
"""


class Outbox(Protocol):
    """Keeps what is to be written."""

    async def load(self, author: str) -> list[Request]:
        """Return what a user's writes are, in their order."""

    async def put(self, author: str, request: Request) -> None:
        """Keep a user's write, behind all others; one that is there already stays where it is."""

    async def remove(self, author: str, nonce: str) -> None:
        """Keep it no longer; nothing, if it isn't there."""

    async def close(self) -> None:
        """Let go of what it is kept in."""


class MemoryOutbox:
    """Keeps writes as long as the program runs: the engine has them."""

    async def load(self, author: str) -> list[Request]:
        """Return nothing: nobody has written before."""
        return []

    async def put(self, author: str, request: Request) -> None:
        """Do nothing."""

    async def remove(self, author: str, nonce: str) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


class FileOutbox:
    """Keeps writes in a SQLite file, which is made where there is none.

    Whatever it is asked for raises `OutboxUnusable` where the file can't be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    async def load(self, author: str) -> list[Request]:
        """Return what a user's writes are, in their order."""
        return await self._do(self._load, author)

    async def put(self, author: str, request: Request) -> None:
        """Keep a user's write, behind all others."""
        await self._do(self._put, author, request)

    async def remove(self, author: str, nonce: str) -> None:
        """Keep it no longer; nothing, if it isn't there."""
        await self._do(self._remove, author, nonce)

    async def close(self) -> None:
        """Let go of the file."""
        await self._do(self._close)

    async def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._lock:
            try:
                return await asyncio.to_thread(work, *args, **kwargs)
            except (sqlite3.Error, OSError, wire.BadFrameError) as error:
                raise OutboxUnusable(f"{self._path} can't be used: {error}") from error

    # In a thread

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            # Only its owner may read what someone is about to say.
            self._path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                self._path, BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
            self._connection.executescript(_OPEN)
        return self._connection

    def _load(self, author: str) -> list[Request]:
        query = "SELECT frame FROM writes WHERE author = ? ORDER BY place"
        with closing(self._open().execute(query, (author,))) as rows:
            return [cast("Request", wire.decode(frame)) for (frame,) in rows]

    def _put(self, author: str, request: Request) -> None:
        row = (nonce_of(request), author, wire.encode(request).text)
        self._open().execute("INSERT OR IGNORE INTO writes (nonce, author, frame) VALUES (?, ?, ?)", row)

    def _remove(self, author: str, nonce: str) -> None:
        self._open().execute("DELETE FROM writes WHERE author = ? AND nonce = ?", (author, nonce))

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_outbox(path: str | Path | None) -> Outbox:
    """Return what keeps writes: in this file, or as long as the program runs."""
    return MemoryOutbox() if path is None else FileOutbox(Path(path))
