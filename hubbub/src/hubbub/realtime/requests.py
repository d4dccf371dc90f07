"""What a signed-in connection may ask for.

Knows who does it.  Doesn't know how the connection began, nor how it will end.

Invariant: requests are taken in the order in which they came; only what writes goes on while later requests
are taken (`lanes`, `read_marks`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from hubbub import wire
from hubbub.actions.read_room import read_room
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.names import clean_status
from hubbub.domain.policies import MISTAKE_BURST, MISTAKES_PER_SECOND
from hubbub.realtime import calls, reads, showing, writes
from hubbub.realtime.bucket import Bucket
from hubbub.realtime.caller import Caller, Shared
from hubbub.realtime.lane import Write
from hubbub.realtime.lanes import Lanes
from hubbub.realtime.read_marks import ReadMarks
from hubbub.realtime.subscriptions import Subscriptions
from hubbub.realtime.typing import Typist

log = logging.getLogger(__name__)


class Requests:
    """The requests of one connection of a user."""

    __slots__ = (
        "_caller",
        "_database",
        "_lanes",
        "_marks",
        "_mistakes",
        "_shared",
        "_subscriptions",
        "_typist",
        "is_abused",
    )

    def __init__(self, caller: Caller, shared: Shared) -> None:
        self._caller = caller
        self._shared = shared
        self._database = shared.database
        self._subscriptions = Subscriptions(caller, shared)
        # Made when they are needed: most connections do nothing but listen.
        self._lanes: Lanes | None = None
        self._marks: ReadMarks | None = None
        self._typist: Typist | None = None
        self._mistakes: Bucket | None = None
        self.is_abused = False
        """Whether too much came that can't be read."""

    async def take(self, frame: str | bytes) -> None:
        """Do what a frame asks for, and answer it; a write may be answered later."""
        try:
            request = wire.decode(frame)
        except wire.BadFrameError as error:
            self._refuse(error)
            return
        try:
            await self._do(request)
        except wire.BadFrameError as error:
            self._refuse(error)
        except ChatError as error:
            self._caller.answer(showing.error(error, getattr(request, "id", None)))
        except Exception:
            log.exception("a request failed")
            self._caller.answer(showing.error(ChatError(Code.INTERNAL), getattr(request, "id", None)))

    def split(self, message: str | bytes) -> Sequence[str | bytes]:
        """Return the frames of a message; one that can't be split is answered, and has none."""
        if wire.BATCH not in self._caller.features:
            return [message]
        try:
            return wire.split(message)
        except wire.BadFrameError as error:
            self._refuse(error)
            return []

    def _refuse(self, error: wire.BadFrameError) -> None:
        self._caller.answer(showing.bad_frame(error))
        # What is only unknown may be of a later level, and asked for in good faith.
        if error.code == "bad_frame":
            now = asyncio.get_running_loop().time()
            self._mistakes = self._mistakes or Bucket(MISTAKE_BURST, MISTAKES_PER_SECOND, now)
            self.is_abused |= self._mistakes.take(now) > 0

    def close(self) -> None:
        """Do nothing more by itself; what writes is settled or cancelled."""
        self._subscriptions.close()

    async def settle(self) -> None:
        """Wait until every write that was taken is done."""
        for writing in (self._lanes, self._marks):
            if writing is not None:
                await writing.settle()

    def cancel(self) -> None:
        """Begin no more of the writes that were taken."""
        for writing in (self._lanes, self._marks):
            if writing is not None:
                writing.cancel()

    async def _do(self, request: wire.Request) -> None:
        match request:
            case wire.Write():
                self._write(request)
            case wire.Skip():
                self._find_lanes().skip(self._caller.stream(request.s), request.n)
                self._caller.answer(wire.Ok(request.id))
            case wire.Read():
                self._marks = self._marks or ReadMarks(self._caller, self._database, self._shared.turnstile)
                self._marks.offer(request)
            case wire.Sub():
                _admit(self._shared.turnstile.count_subscription(self._caller.user.id))
                await self._subscriptions.sub(request)
            case wire.Unsub():
                self._subscriptions.unsub(request)
            case wire.Call():
                await self._call(request)
            case wire.Typing():
                self._typist = self._typist or Typist(
                    self._caller, self._shared.presence, self._shared.turnstile
                )
                self._typist.type(request)
            case wire.Pres():
                text = clean_status(request.text or "")
                self._shared.presence.set_state(self._caller.outbound, request.state, text)
            case wire.ClientPing():
                self._caller.answer(wire.Pong())
            case wire.Pong():
                pass
            case wire.Hello():
                raise ChatError(Code.BAD_FRAME, "One hello is enough.")
            case wire.Hist() | wire.Log():
                await self._read(request)

    def _find_lanes(self) -> Lanes:
        self._lanes = self._lanes or Lanes(self._caller, self._shared.turnstile)
        return self._lanes

    def _write(self, request: wire.Write) -> None:
        stream = self._caller.stream(request.s)

        async def do() -> wire.Reply:
            return await writes.write(self._database, self._caller.user, stream, request)

        self._find_lanes().offer(stream, Write(request.id, request.n, do))

    async def _read(self, request: wire.Hist | wire.Log) -> None:
        stream, user = self._caller.stream(request.s), self._caller.user
        _admit(self._shared.turnstile.count_read(user.id))
        if isinstance(request, wire.Log):
            await self._answer_of(stream, reads.read_events(self._database, user, stream, request))
        else:
            await self._answer_of(stream, reads.read_messages(self._database, user, stream, request))

    async def _answer_of(self, stream: str, reading: Awaitable[wire.Reply]) -> None:
        """Answer with what is read of a stream, unless its reader was told meanwhile to have been removed.

        Of that the inbox tells as well, whether the room is subscribed to or not.
        """
        hub, user = self._shared.hub, self._caller.user
        heard = hub.heard
        reply = await reading
        while stream.startswith("r_") and hub.has_moved(user.id, heard):
            heard = hub.heard
            # As who isn't there is refused.
            await read_room(self._database, user, stream)
        self._caller.answer(reply)

    async def _call(self, request: wire.Call) -> None:
        params, nonce = wire.params_of(request), request.n
        if nonce is not None and wire.METHODS[request.m].writes:
            self._call_write(request.id, params, nonce)
            return
        if isinstance(params, wire.RevokeSession):
            if (reason := self._find_lanes().admit()) is not None:
                raise reason
        else:
            _admit(self._shared.turnstile.count_read(self._caller.user.id))
        await self._answer_of(getattr(params, "s", ""), self._call_read(request.id, params))

    async def _call_read(self, request: int, params: wire.Params) -> wire.Reply:
        shared, caller = self._shared, self._caller
        result = await calls.call(shared.database, shared.bus, caller.user, caller.login, params)
        return wire.CallOk(request, result)

    def _call_write(self, request: int, params: wire.Params, nonce: str) -> None:
        async def do() -> wire.Reply:
            result = await calls.call_write(self._database, self._caller.user, params, nonce)
            return wire.CallOk(request, result)

        self._find_lanes().offer_call(Write(request, nonce, do))


def _admit(wait: float) -> None:
    if wait:
        raise ChatError(Code.TOO_MANY_REQUESTS, after=wait)
