"""Finds out what waits in rooms for those who are told of it by badges.

When something happens in a room, all of them ask at once: those who wait while the database is read share the
next query about their room.
"""

from __future__ import annotations

import asyncio
from typing import Final

from hubbub.actions.read_marks import Waiting, read_all_marks
from hubbub.storage.database import Database

TOGETHER: Final = 250
"""How many share a query at most."""

Asked = dict[asyncio.Future[Waiting | None], str]


class Tallies:
    """Those of this process who wait to be told what waits for them, by room."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Of rooms and of users, whoever has waited longest is first.
        self._rooms: dict[str, Asked] = {}
        self._task: asyncio.Task[None] | None = None

    async def find(self, room: str, user_id: str) -> Waiting | None:
        """Return what waits in a room for a member, as of after this was called; None for who is no member.

        Raises:
            ChatError: if the database fails.
        """
        found: asyncio.Future[Waiting | None] = asyncio.get_running_loop().create_future()
        self._rooms.setdefault(room, {})[found] = user_id
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await found

    async def _work(self) -> None:
        try:
            while self._rooms:
                room = next(iter(self._rooms))
                asked = list(self._rooms.pop(room).items())
                if rest := asked[TOGETHER:]:
                    # The other rooms come first.
                    self._rooms[room] = dict(rest)
                await self._find(room, dict(asked[:TOGETHER]))
        finally:
            self._task = None

    async def _find(self, room: str, asked: Asked) -> None:
        try:
            found = await read_all_marks(self._database, room, set(asked.values()))
        except Exception as error:
            for future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        for future, user_id in asked.items():
            if not future.done():
                future.set_result(found.get(user_id))
