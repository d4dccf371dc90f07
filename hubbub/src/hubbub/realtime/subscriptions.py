"""The streams that one connection hears.

Invariant: a stream is subscribed to first, then read, then answered, and only then live (`hub`).
"""

from __future__ import annotations

from hubbub import wire
from hubbub.actions.read_marks import read_marks
from hubbub.actions.sync_stream import Delta, InboxSnapshot, RoomSnapshot, sync_stream
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Position
from hubbub.realtime import showing
from hubbub.realtime.badge import Badge
from hubbub.realtime.caller import Caller, Shared


class Subscriptions:
    """What one connection subscribes to; in each of its rooms its user is shown."""

    __slots__ = ("_badges", "_caller", "_database", "_hub", "_presence", "_tails", "_tallies")

    def __init__(self, caller: Caller, shared: Shared) -> None:
        self._caller = caller
        self._database = shared.database
        self._hub = shared.hub
        self._presence = shared.presence
        self._tails = shared.tails
        self._tallies = shared.tallies
        self._badges: dict[str, Badge] = {}

    async def sub(self, request: wire.Sub) -> None:
        """Answer with what the connection lacks of a stream, and let it hear the rest.

        Raises:
            ChatError: `too_many_streams`, `invalid` for a level that it may not ask for, and those of
                `sync_stream`.
        """
        stream = self._caller.stream(request.s)
        if request.lvl == wire.BADGE and (wire.BADGE not in self._caller.features or request.s == wire.ME):
            raise ChatError(Code.INVALID, "Only rooms have badges, for who asked for them in hello.")
        subscribed = self._hub.streams(self._caller.outbound)
        if stream not in subscribed and len(subscribed) >= wire.STREAMS:
            raise ChatError(Code.TOO_MANY_STREAMS)
        try:
            await (self._sub_badge if request.lvl == wire.BADGE else self._sub_whole)(stream, request)
        except BaseException:
            self._leave(stream)
            raise

    def unsub(self, request: wire.Unsub) -> None:
        """Let the connection hear no more of a stream."""
        self._leave(self._caller.stream(request.s))
        self._caller.answer(wire.Ok(request.id))

    def close(self) -> None:
        """Tell nothing more of what waits in rooms."""
        for badge in self._badges.values():
            badge.cancel()

    async def _sub_whole(self, stream: str, request: wire.Sub) -> None:
        self._drop_badge(stream)
        user, outbound = self._caller.user, self._caller.outbound
        at = None if request.at is None else Position(*request.at)
        subscription = self._hub.subscribe(stream, outbound, user.id, self._be_put_out)
        copy = await self._read(stream, at)
        self._caller.answer(_show_copy(request.id, copy))
        subscription.go_live(copy.head.q)
        if request.s != wire.ME and not subscription.has_ended:
            shown = self._presence.enter(stream, outbound)
            if shown is not None:
                outbound.ephemeral(shown)

    async def _read(self, stream: str, at: Position | None) -> Delta | RoomSnapshot | InboxSnapshot:
        user = self._caller.user
        if at is not None and stream != user.id:
            delta = await self._tails.resume(stream, user.id, at)
            if delta is not None:
                return delta
        return await sync_stream(self._database, user, stream, at)

    async def _sub_badge(self, stream: str, request: wire.Sub) -> None:
        self._leave(stream)
        user, outbound = self._caller.user, self._caller.outbound
        badge = self._badges[stream] = Badge(self._caller, stream, self._tallies)
        subscription = self._hub.subscribe(stream, outbound, user.id, self._drop_badge, badge.hear)
        head, marks = await read_marks(self._database, user, stream)
        self._caller.answer(wire.BadgeOk(request.id, head.epoch, head.q, showing.marks(marks)))
        subscription.go_live(head.q)

    def _be_put_out(self, stream: str) -> None:
        self._presence.leave(stream, self._caller.outbound, at_once=True)

    def _leave(self, stream: str) -> None:
        self._hub.unsubscribe(stream, self._caller.outbound)
        self._presence.leave(stream, self._caller.outbound)
        self._drop_badge(stream)

    def _drop_badge(self, stream: str) -> None:
        if (badge := self._badges.pop(stream, None)) is not None:
            badge.cancel()


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
                copy.pins,
            )
            return wire.RoomResetOk(request, epoch, head, room)
        case InboxSnapshot():
            return wire.InboxResetOk(
                request, epoch, head, showing.inbox(copy.memberships, copy.own, copy.blocked)
            )
