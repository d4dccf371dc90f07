"""Stores how far one connection's user has read; nobody waits for it.

Invariants:

1. Of what is said about a room while the room waits for its turn, only the outcome is stored.
2. Rooms are stored one after another, when it is the user's turn (`turnstile`).
3. What couldn't be stored, but may be later, waits for that; what can't be is left.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from hubbub import wire
from hubbub.actions.mark_read import mark_read
from hubbub.domain.errors import ChatError
from hubbub.realtime.caller import Caller
from hubbub.realtime.turnstile import Turnstile
from hubbub.storage.database import Database

log = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds until what failed is tried again."""


class ReadMarks:
    """What one connection says to have read."""

    __slots__ = ("_caller", "_database", "_task", "_turnstile", "_waiting")

    def __init__(self, caller: Caller, database: Database, turnstile: Turnstile) -> None:
        self._caller = caller
        self._database = database
        self._turnstile = turnstile
        # By stream; whatever has waited longest is first.
        self._waiting: dict[str, wire.Read] = {}
        self._task: asyncio.Task[None] | None = None

    def offer(self, request: wire.Read) -> None:
        """Take how far a room was read; of too many rooms it isn't taken.

        Raises:
            ChatError: `not_found`, for what is no room's name.
        """
        stream = self._caller.stream(request.s)
        if stream not in self._waiting and len(self._waiting) >= wire.STREAMS:
            return
        self._waiting[stream] = _merge(self._waiting.get(stream), request)
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def settle(self) -> None:
        """Wait until everything that was taken is stored."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def cancel(self) -> None:
        """Store nothing more."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:
                if wait := self._turnstile.count_mark(self._caller.user.id, self._caller.sender):
                    await asyncio.sleep(wait)
                    continue
                stream = next(iter(self._waiting))
                request = self._waiting.pop(stream)
                if not await self._store(stream, request):
                    later = self._waiting.get(stream)
                    self._waiting[stream] = request if later is None else _merge(request, later)
                    await asyncio.sleep(PAUSE)
        finally:
            self._task = None

    async def _store(self, stream: str, request: wire.Read) -> bool:
        """Return whether it is stored, or never can be."""
        try:
            await mark_read(self._database, self._caller.user, stream, request.q, back=request.back)
        except ChatError as error:
            return not error.retry
        except Exception:
            log.exception("a mark wasn't stored")
        return True


def _merge(earlier: wire.Read | None, later: wire.Read) -> wire.Read:
    """Return what has the same effect as both, one after the other."""
    if earlier is None or later.back:
        return later
    return wire.Read(earlier.s, max(earlier.q, later.q), earlier.back)
