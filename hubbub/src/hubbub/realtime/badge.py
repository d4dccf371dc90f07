"""Tells one connection what waits in one room that isn't on its screen."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from hubbub import wire
from hubbub.domain.errors import ChatError
from hubbub.realtime.caller import Caller
from hubbub.realtime.tallies import Tallies

log = logging.getLogger(__name__)

INTERVAL: Final = 1.0


class Badge:
    """What waits in a room: told as soon as it changes, and then at most once in `INTERVAL`.

    What can't be read or written now, is so later: the last change is never left untold.
    """

    def __init__(self, caller: Caller, stream: str, tallies: Tallies) -> None:
        self._caller = caller
        self._stream = stream
        self._tallies = tallies
        self._is_stale = False
        self._task: asyncio.Task[None] | None = None

    def hear(self, _stream: str, _q: int, _frame: wire.Frame) -> None:
        """An event of the room is told."""
        self.note()

    def note(self) -> None:
        """Something has happened in the room."""
        self._is_stale = True
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    def cancel(self) -> None:
        """Tell nothing more."""
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            while self._is_stale:
                # What happens while it is read makes it stale again.
                self._is_stale = False
                if self._caller.outbound.is_full or not await self._tell():
                    self._is_stale = True
                await asyncio.sleep(INTERVAL)
        finally:
            self._task = None

    async def _tell(self) -> bool:
        """Return whether it is told, or never can be."""
        try:
            waiting = await self._tallies.find(self._stream, self._caller.user.id)
        except ChatError as error:
            return not error.retry
        except Exception:
            log.exception("a badge wasn't told")
            return True
        if waiting is None:
            return True
        badge = wire.BadgeInfo(waiting.head.q, waiting.marks.unread, waiting.marks.mentions)
        self._caller.outbound.ephemeral(wire.encode(wire.Badge(self._stream, badge)))
        return True
