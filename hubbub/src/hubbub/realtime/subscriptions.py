"""The streams that one connection hears.

Invariant: a stream is subscribed to first, then read, then answered, and only then live (`hub`).
"""

from __future__ import annotations

from hubbub import wire
from hubbub.actions.sync_stream import Delta, InboxSnapshot, RoomSnapshot, sync_stream
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Position
from hubbub.realtime import showing
from hubbub.realtime.caller import Caller, Shared


class Subscriptions:
    """What one connection subscribes to; in each of its rooms its user is shown."""

    def __init__(self, caller: Caller, shared: Shared) -> None:
        self._caller = caller
        self._database = shared.database
        self._hub = shared.hub
        self._presence = shared.presence

    async def sub(self, request: wire.Sub) -> None:
        """Answer with what the connection lacks of a stream, and let it hear the rest.

        Raises:
            ChatError: `too_many_streams`, and those of `sync_stream`.
        """
        stream, outbound = self._caller.stream(request.s), self._caller.outbound
        subscribed = self._hub.streams(outbound)
        if stream not in subscribed and len(subscribed) >= wire.STREAMS:
            raise ChatError(Code.TOO_MANY_STREAMS)
        at = None if request.at is None else Position(*request.at)
        subscription = self._hub.subscribe(
            stream,
            outbound,
            self._caller.user.id,
            lambda: self._presence.leave(stream, outbound, at_once=True),
        )
        try:
            copy = await sync_stream(self._database, self._caller.user, stream, at)
        except BaseException:
            self._leave(stream)
            raise
        self._caller.answer(_show_copy(request.id, copy))
        subscription.go_live(copy.head.q)
        if request.s != wire.ME and not subscription.has_ended:
            outbound.ephemeral(self._presence.enter(stream, outbound))

    def unsub(self, request: wire.Unsub) -> None:
        """Let the connection hear no more of a stream."""
        self._leave(self._caller.stream(request.s))
        self._caller.answer(wire.Ok(request.id))

    def _leave(self, stream: str) -> None:
        self._hub.unsubscribe(stream, self._caller.outbound)
        self._presence.leave(stream, self._caller.outbound)


def _show_copy(request: int, copy: Delta | RoomSnapshot | InboxSnapshot) -> wire.Reply:
    epoch, head = copy.head.epoch, copy.head.q
    match copy:
        case Delta():
            return wire.DeltaOk(request, epoch, head, showing.events(copy.events), showing.names(copy.names))
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
