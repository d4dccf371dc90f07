"""Whether the chat is alive, and whether it works, for whoever watches it.

What it says of working was found out a second ago at most; however often anybody asks, the database is asked
no more often than that.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.actions.check_storage import check_storage
from hubbub.domain.errors import ChatError, Code
from hubbub.endpoints.errors import answer, status_of
from hubbub.storage.database import Database

ALIVE: Final = "/healthz"
READY: Final = "/readyz"
PATHS: Final = frozenset({ALIVE, READY})

FRESH: Final = 1.0
PATIENCE: Final = 2.0
"""After so long, a database that hasn't answered counts as one that doesn't."""


class Health:
    """Whether anybody is there, and whether messages can be stored and read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checking: asyncio.Task[Code | None] | None = None
        self._began = 0.0
        self._draining = False

    def drain(self) -> None:
        """From now on say that nobody should be sent here."""
        self._draining = True

    async def show_alive(self, _request: Request) -> Response:
        """Say that the server is alive, whatever its database does: no new start would help with that."""
        return answer({"status": "ok"})

    async def show_ready(self, _request: Request) -> Response:
        """Say that the chat works, or by what code it would refuse a message."""
        if self._draining:
            return answer({"status": "draining"}, status_of(Code.UNAVAILABLE))
        trouble = await self._find_trouble()
        if trouble is None:
            return answer({"status": "ok"})
        return answer({"status": trouble.value}, status_of(trouble))

    async def _find_trouble(self) -> Code | None:
        now = asyncio.get_running_loop().time()
        checking = self._checking
        if checking is None or (checking.done() and now - self._began >= FRESH):
            checking = self._checking = asyncio.create_task(self._check())
            self._began = now
        done, _ = await asyncio.wait([checking], timeout=PATIENCE)
        return checking.result() if done else Code.UNAVAILABLE

    async def _check(self) -> Code | None:
        try:
            await check_storage(self._database)
        except ChatError as error:
            return error.code
        return None

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route(ALIVE, self.show_alive, methods=["GET"]),
            Route(READY, self.show_ready, methods=["GET"]),
        ]
