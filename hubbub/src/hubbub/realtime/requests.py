"""What a signed-in connection may ask for, and how often.

Knows which action each request is, and how its outcome is told.  Doesn't know how the connection began, nor
how it will end.

Invariants:

1. Requests are taken in the order in which they came; only writes go on while later requests are taken, each
   stream's in its lane.
2. A stream is subscribed to first, then read, then answered, and only then live (`hub`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from hubbub import wire
from hubbub.actions.post_message import post_message
from hubbub.actions.read_history import Side, read_history
from hubbub.actions.sync_stream import Delta, InboxSnapshot, RoomSnapshot, sync_stream
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Position, Posted, User
from hubbub.realtime import showing
from hubbub.realtime.bucket import Bucket
from hubbub.realtime.hub import Hub
from hubbub.realtime.lane import Lane
from hubbub.realtime.outbound import Outbound
from hubbub.realtime.presence import Presence
from hubbub.storage.database import Database

log = logging.getLogger(__name__)

_WRITE_PAUSE: Final = 1.0


class Requests:
    """The requests of one connection of a user."""

    def __init__(
        self, user: User, outbound: Outbound, database: Database, hub: Hub, presence: Presence
    ) -> None:
        self._user = user
        self._outbound = outbound
        self._database = database
        self._hub = hub
        self._presence = presence
        self._loop = asyncio.get_running_loop()
        self._writes = Bucket(wire.WRITE_BURST, wire.WRITES_PER_SECOND, self._loop.time())
        self._lanes: dict[str, Lane] = {}
        self._typed_at: dict[str, float] = {}
        self._typing: set[str] = set()

    async def take(self, frame: str | bytes) -> None:
        """Do what a frame asks for, and answer it; a write may be answered later."""
        try:
            request = wire.decode(frame)
        except wire.BadFrameError as error:
            self._answer(showing.bad_frame(error))
            return
        try:
            await self._do(request)
        except ChatError as error:
            self._answer(showing.error(error, getattr(request, "id", None)))
        except Exception:
            log.exception("a request failed")
            self._answer(showing.error(ChatError(Code.INTERNAL), getattr(request, "id", None)))

    async def settle(self) -> None:
        """Wait until every write that was taken is answered."""
        await asyncio.gather(*(lane.settle() for lane in self._lanes.values()))

    def cancel(self) -> None:
        """Begin no more of the writes that were taken."""
        for lane in self._lanes.values():
            lane.cancel()

    async def _do(self, request: wire.Request) -> None:
        match request:
            case wire.Send():
                self._send(request)
            case wire.Skip():
                self._skip(request)
            case wire.Sub():
                await self._sub(request)
            case wire.Unsub():
                self._unsub(request)
            case wire.Hist():
                await self._hist(request)
            case wire.Typing():
                self._type(request)
            case wire.Pres():
                self._presence.set_state(self._outbound, request.state)
            case wire.ClientPing():
                self._answer(wire.Pong())
            case wire.Pong():
                pass
            case wire.Hello():
                raise ChatError(Code.BAD_FRAME, "One hello is enough.")
            case _:
                raise ChatError(Code.UNKNOWN_OP)

    def _answer(self, reply: wire.Reply) -> None:
        self._outbound.answer(wire.encode(reply))

    def _stream(self, name: str) -> str:
        """Return the stream that this connection calls so.

        Raises:
            ChatError: `not_found`, for what is no room's name.
        """
        if name == wire.ME:
            return self._user.id
        if not name.startswith("r_"):
            raise ChatError(Code.NOT_FOUND)
        return name

    # Subscribing

    async def _sub(self, request: wire.Sub) -> None:
        stream = self._stream(request.s)
        subscribed = self._hub.streams(self._outbound)
        if stream not in subscribed and len(subscribed) >= wire.STREAMS:
            raise ChatError(Code.TOO_MANY_STREAMS)
        at = None if request.at is None else Position(*request.at)
        subscription = self._hub.subscribe(stream, self._outbound)
        try:
            copy = await sync_stream(self._database, self._user, stream, at)
        except BaseException:
            self._leave(stream)
            raise
        self._answer(_show_copy(request.id, copy))
        subscription.go_live(copy.head.q)
        if request.s != wire.ME:
            self._outbound.ephemeral(self._presence.enter(stream, self._outbound))

    def _unsub(self, request: wire.Unsub) -> None:
        self._leave(self._stream(request.s))
        self._answer(wire.Ok(request.id))

    def _leave(self, stream: str) -> None:
        self._hub.unsubscribe(stream, self._outbound)
        self._presence.leave(stream, self._outbound)
        self._typing.discard(stream)

    async def _hist(self, request: wire.Hist) -> None:
        asked = [
            (side, q)
            for side, q in (
                (Side.BEFORE, request.before),
                (Side.AFTER, request.after),
                (Side.AROUND, request.around),
            )
            if q is not None
        ]
        if len(asked) != 1:
            raise ChatError(Code.INVALID, "Ask for one of before, after and around.")
        [(side, q)] = asked
        stream = self._stream(request.s)
        page = await read_history(self._database, self._user, stream, side, q, request.limit)
        self._answer(
            wire.HistOk(
                request.id, showing.messages(page.messages), page.asof, page.more, showing.names(page.names)
            )
        )

    # Writing

    def _send(self, request: wire.Send) -> None:
        self._lane(request.s).offer(request, self._admit)

    def _skip(self, request: wire.Skip) -> None:
        self._lane(request.s).skip(request.n)
        self._answer(wire.Ok(request.id))

    def _lane(self, name: str) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            if len(self._lanes) >= wire.STREAMS:
                self._lanes = {name: lane for name, lane in self._lanes.items() if not lane.is_idle}
            if len(self._lanes) >= wire.STREAMS:
                raise ChatError(Code.TOO_MANY_STREAMS)
            lane = self._lanes[name] = Lane(self._write, self._answer_write)
        return lane

    def _admit(self) -> ChatError | None:
        if sum(lane.unanswered for lane in self._lanes.values()) >= wire.REQUESTS:
            return ChatError(Code.TOO_MANY_REQUESTS, after=_WRITE_PAUSE)
        if wait := self._writes.take(self._loop.time()):
            return ChatError(Code.TOO_MANY_REQUESTS, after=wait)
        return None

    async def _write(self, send: wire.Send) -> Posted:
        stream = self._stream(send.s)
        return await post_message(self._database, self._user, stream, send.n, send.d.text, send.d.re)

    def _answer_write(self, send: wire.Send, outcome: Posted | ChatError) -> None:
        if isinstance(outcome, ChatError):
            self._answer(showing.error(outcome, send.id))
        else:
            self._answer(wire.SendOk(send.id, outcome.q, outcome.ts, outcome.dup))

    # Ephemerals

    def _type(self, request: wire.Typing) -> None:
        """Pass it on, unless the room knows, or heard of it just now; it is never answered."""
        stream = self._stream(request.s)
        if not self._presence.is_in(stream, self._outbound):
            return
        if request.on:
            now = self._loop.time()
            if now - self._typed_at.get(stream, -wire.TYPING_INTERVAL) < wire.TYPING_INTERVAL:
                return
            self._typed_at[stream] = now
            self._typing.add(stream)
        elif stream in self._typing:
            self._typing.remove(stream)
        else:
            return
        self._presence.tell_typing(stream, self._outbound, on=request.on)


def _show_copy(request: int, copy: Delta | RoomSnapshot | InboxSnapshot) -> wire.Reply:
    epoch, head = copy.head.epoch, copy.head.q
    match copy:
        case Delta():
            events = [showing.event(event) for event in copy.events]
            return wire.DeltaOk(request, epoch, head, events, showing.names(copy.names))
        case RoomSnapshot():
            membership = copy.membership
            room = wire.RoomCopy(
                showing.room(membership.room, membership.role),
                showing.marks(membership.marks),
                showing.messages(copy.messages),
                copy.more,
                showing.names(copy.names),
            )
            return wire.RoomResetOk(request, epoch, head, room)
        case InboxSnapshot():
            return wire.InboxResetOk(request, epoch, head, showing.inbox(copy.memberships))
