"""Removes the files of deleted messages from the disk, soon after they are nobody's.

What it misses, because the server stops or the disk fails, is done by the daily chore.
"""

from __future__ import annotations

import asyncio
import logging

from hubbub.actions.collect_files import collect_gone
from hubbub.domain.errors import ChatError
from hubbub.domain.events import MessageDeleted, Notice, StoredEvent
from hubbub.storage.database import Database
from hubbub.storage.shelf import Shelf

log = logging.getLogger(__name__)


class Collector:
    """Hears of deleted messages; however many there are, it collects once at a time."""

    def __init__(self, database: Database, shelf: Shelf) -> None:
        self._database = database
        self._shelf = shelf
        self._is_wanted = False
        self._collecting: asyncio.Task[None] | None = None

    def hear(self, notice: Notice) -> None:
        """Collect, once what was heard is over."""
        if not isinstance(notice, StoredEvent) or notice.kind != MessageDeleted.kind:
            return
        self._is_wanted = True
        if self._collecting is None or self._collecting.done():
            self._collecting = asyncio.create_task(self._collect(), name="collector")

    async def _collect(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            try:
                await collect_gone(self._database, self._shelf)
            except ChatError as error:
                log.warning("files are left for the next time: %s", error)

    async def drain(self) -> None:
        """Finish what has begun."""
        if self._collecting is not None:
            await self._collecting
