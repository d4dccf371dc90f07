"""The database as the actions see it: read transactions, and the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Posted
from hubbub.domain.tally import Tally
from hubbub.storage import sessions, transactions
from hubbub.storage.engine import Engines, optimize
from hubbub.storage.failures import StorageUnusableError, as_chat_error
from hubbub.storage.posting import Post
from hubbub.storage.transactions import Work
from hubbub.storage.writer import Change, Transaction, Writer

T = TypeVar("T")


class Database:
    """Everything that is stored.

    Whatever is committed is given to `announce`, in the order of its numbers; `now` tells the time in
    milliseconds since 1970.
    """

    def __init__(
        self, engines: Engines, announce: Callable[[Sequence[StoredEvent]], None], now: Callable[[], int]
    ) -> None:
        self.now = now
        self._engines = engines
        self._writer = Writer(engines.writing, announce, now)
        # Sessions of which it isn't stored yet that they were used: when everybody comes at once, the writer
        # has better to do than to write it down for each.
        self._used: set[bytes] = set()
        self._noting: asyncio.Future[None] | None = None

    @property
    def tally(self) -> Tally:
        """What was written so far."""
        return self._writer.tally

    @property
    def waiting(self) -> int:
        """How many writes wait for the next commit."""
        return self._writer.waiting

    async def read(self, work: Work[T]) -> T:
        """Read in one transaction, which sees one state from beginning to end.

        Raises:
            ChatError: that of the work, or of the database.
        """
        try:
            return await transactions.read(self._engines.reading, work)
        except (SQLAlchemyError, StorageUnusableError, OSError) as error:
            raise as_chat_error(error) from error

    async def post(self, post: Post) -> Posted:
        """Store a message; see `Writer.post`."""
        return await self._writer.post(post)

    async def write(self, change: Change[T]) -> T:
        """Do several things in one transaction, all or none; see `Writer.change`."""
        return await self._writer.change(change)

    def note_use(self, digest: bytes) -> None:
        """Store soon that a session was used, together with others; nobody waits for it."""
        self._used.add(digest)
        # One that failed before its turn took nothing from the set.
        if self._noting is None or self._noting.done():
            self._noting = self._writer.change_soon(self._store_use)

    async def _store_use(self, transaction: Transaction) -> None:
        # Meanwhile more of them may be used: of which one is noted here, isn't left there.
        self._noting = None
        used = set()
        while self._used:
            used.add(self._used.pop())
        await sessions.touch(transaction.connection, used, transaction.now)

    async def optimize(self) -> None:
        """Let the database find out how best to search what it has by now."""
        await self.write(lambda transaction: optimize(transaction.connection))

    async def close(self) -> None:
        """Finish the writes that have begun, refuse others, and close every connection."""
        await self._writer.close()
        await self._engines.dispose()
