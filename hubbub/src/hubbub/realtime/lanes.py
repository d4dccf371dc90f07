"""The lanes of one connection, and how many writes may go into them.

Each stream has a lane of its own, so that no write is held up by one to another stream.  What methods write
is somebody's wish of that moment and no part of an outbox: it has a lane in which nothing is held up.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator
from typing import Final

from hubbub import wire
from hubbub.domain.errors import ChatError, Code
from hubbub.realtime.bucket import Bucket
from hubbub.realtime.caller import Caller
from hubbub.realtime.lane import Lane, Write
from hubbub.realtime.turnstile import Turnstile

_WRITE_PAUSE: Final = 1.0


class Lanes:
    """The writes of one connection, each of which is answered once."""

    __slots__ = ("_bucket", "_caller", "_calls", "_loop", "_streams", "_turnstile")

    def __init__(self, caller: Caller, turnstile: Turnstile) -> None:
        self._caller = caller
        self._turnstile = turnstile
        self._loop = asyncio.get_running_loop()
        self._bucket = Bucket(*turnstile.limits.writes, self._loop.time())
        # Those in which something is under way, or held up.
        self._streams: dict[str, Lane] = {}
        self._calls: Lane | None = None

    def offer(self, stream: str, write: Write) -> None:
        """Take a write to a stream, which is answered in its turn.

        Raises:
            ChatError: `too_many_streams`, if too many others are written to, or hold something up.
        """
        self._find(stream).offer(write, self.admit)

    def offer_call(self, write: Write) -> None:
        """Take what a method writes, which is answered in its turn."""
        if self._calls is None:
            self._calls = Lane(self._caller.answer, holds_up=False, idled=self._forget_calls)
        self._calls.offer(write, self.admit)

    def _forget_calls(self) -> None:
        self._calls = None

    def skip(self, stream: str, nonce: str) -> None:
        """Let later writes to a stream go on without a refused one."""
        if stream in self._streams:
            self._streams[stream].skip(nonce)

    def admit(self) -> ChatError | None:
        """Count a write; return why it is one too many, if it is."""
        if sum(lane.unanswered for lane in self._all()) >= wire.REQUESTS:
            return ChatError(Code.TOO_MANY_REQUESTS, after=_WRITE_PAUSE)
        if wait := self._bucket.wait(self._loop.time()) or self._count_elsewhere():
            return ChatError(Code.TOO_MANY_REQUESTS, after=wait)
        self._bucket.take(self._loop.time())
        return None

    async def settle(self) -> None:
        """Wait until everything that was taken is answered."""
        await asyncio.gather(*(lane.settle() for lane in self._all()))

    def cancel(self) -> None:
        """Begin no more of what was taken."""
        for lane in self._all():
            lane.cancel()

    def _count_elsewhere(self) -> float:
        return self._turnstile.count_write(self._caller.user.id, self._caller.sender)

    def _all(self) -> Iterator[Lane]:
        yield from self._streams.values()
        if self._calls is not None:
            yield self._calls

    def _find(self, stream: str) -> Lane:
        lane = self._streams.get(stream)
        if lane is None:
            if len(self._streams) >= wire.STREAMS:
                raise ChatError(Code.TOO_MANY_STREAMS)
            idled = functools.partial(self._streams.pop, stream, None)
            lane = self._streams[stream] = Lane(self._caller.answer, idled=idled)
        return lane
