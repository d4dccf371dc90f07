"""The database as the actions see it: read transactions, and the writer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Posted
from hubbub.storage.engine import Engines, as_chat_error
from hubbub.storage.posting import Post
from hubbub.storage.writer import Change, Writer

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

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Read in one transaction, which sees one state from beginning to end.

        Raises:
            ChatError: if the database fails meanwhile.
        """
        try:
            async with self._engines.reading.connect() as connection, connection.begin():
                yield connection
        except SQLAlchemyError as error:
            raise as_chat_error(error) from error

    async def post(self, post: Post) -> Posted:
        """Store a message; see `Writer.post`."""
        return await self._writer.post(post)

    async def write(self, change: Change[T]) -> T:
        """Do several things in one transaction, all or none; see `Writer.change`."""
        return await self._writer.change(change)

    def write_soon(self, change: Change[T]) -> None:
        """Do what nobody waits for; see `Writer.change_soon`."""
        self._writer.change_soon(change)

    async def close(self) -> None:
        """Finish the writes that have begun, refuse others, and close every connection."""
        await self._writer.close()
        await self._engines.dispose()
