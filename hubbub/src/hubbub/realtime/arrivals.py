"""Finds out who says hello, and how far their streams are.

When everybody comes at once, those who wait while the database is read share the next query.
"""

from __future__ import annotations

import asyncio
from typing import Final

from hubbub.actions.authenticate import Arrival, authenticate_all
from hubbub.storage.database import Database

TOGETHER: Final = 64
"""How many share a query at most: nobody waits long for what others have."""


class Arrivals:
    """The hellos of this process that nobody has been found for yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Whoever has waited longest is first.
        self._waiting: dict[asyncio.Future[Arrival | None], bytes] = {}
        self._task: asyncio.Task[None] | None = None

    async def find(self, digest: bytes) -> Arrival | None:
        """Return whose session has a token with this digest, as of after this was called; None if nobody's.

        Raises:
            ChatError: if the database fails.
        """
        found: asyncio.Future[Arrival | None] = asyncio.get_running_loop().create_future()
        self._waiting[found] = digest
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await found

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = list(self._waiting.items())[:TOGETHER]
                for future, _ in batch:
                    del self._waiting[future]
                await self._find(dict(batch))
        finally:
            self._task = None

    async def _find(self, batch: dict[asyncio.Future[Arrival | None], bytes]) -> None:
        try:
            found = await authenticate_all(self._database, set(batch.values()))
        except Exception as error:
            for future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for future, digest in batch.items():
            if not future.done():
                future.set_result(found.get(digest))
