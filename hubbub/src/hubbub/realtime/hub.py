"""Who hears what: the subscribers of every stream, and the delivery of events to them.

Knows streams only by name and events only by number.  It never reads the database and never waits: what a
connection can't take in time is its own loss, and it is told so (`outbound`).

Invariants:

1. A subscriber gets the events of a stream in the order of their numbers, none twice.
2. A subscriber gets nothing before `go_live`, and then everything after the head that it has: events that
   come in between are held back, so nothing falls between reading a copy and hearing the rest.
3. An event becomes JSON once, however many hear it.
4. After the event that removes a user from a room nothing of the room is delivered to any of the user's
   connections.  An event that comes while a copy is read counts as any other: if the copy is newer, it was
   read with the rights that the user has since then.
5. Of a connection that has heard as much of a stream as all others, no more is kept than that it hears it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from itertools import islice
from typing import Final

from hubbub import wire
from hubbub.domain.events import MemberChange, MemberChanged, Notice, StoredEvent
from hubbub.realtime import showing
from hubbub.realtime.outbound import QUEUE_FRAMES, Outbound
from hubbub.wire import Frame

HELD: Final = QUEUE_FRAMES
LATEST: Final = 1_000
"""Of so many events of inboxes it is remembered whose they were."""

_REMOVALS: Final = frozenset(change for change in MemberChange if change.ends_membership)


Tell = Callable[[str, int, Frame], None]
"""Takes an event: its stream, its number, and the frame that tells of it."""
Ended = Callable[[str], None]
"""Hears that a user was removed from a room."""


class _Stream:
    """Those who hear a stream, and the number of its last event for all who are in step: None without any.

    Whoever is in step, which nearly all are, has heard just what the stream has: there is nothing more to
    know of them than who they are.  The others have a subscription of their own.
    """

    __slots__ = ("hearers", "last", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.last: int | None = None
        self.hearers: dict[Outbound, _Hearer | Subscription] = {}


class _Hearer:
    """One connection: its user, and its streams by their names."""

    __slots__ = ("ended", "streams", "user_id")

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.ended: Ended | None = None
        self.streams: dict[str, _Stream] = {}


class Subscription:
    """One connection's interest in one stream, until it is in step with it.

    `ended` is called when its user is removed from there.  One with a `tell` of its own stays, and isn't told
    of what may be lost, nor how far the stream is.
    """

    __slots__ = (
        "_held",
        "_hub",
        "_removals",
        "_tell",
        "ended",
        "has_ended",
        "last",
        "outbound",
        "stream",
        "user_id",
    )

    def __init__(
        self,
        hub: Hub,
        stream: str,
        outbound: Outbound,
        user_id: str,
        ended: Ended | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.stream = stream
        self.outbound = outbound
        self.user_id = user_id
        self.last: int | None = None
        self.has_ended = False
        self.ended = ended
        self._hub = hub
        self._tell = tell
        self._held: list[tuple[int, Frame]] | None = None
        self._removals: list[int] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the connection itself is told."""
        return self._tell is None

    def offer(self, q: int, frame: Frame, *, is_removal: bool = False) -> None:
        """Deliver an event, or hold it back until the subscription is live."""
        if self.last is None:
            self._hold(q, frame, is_removal=is_removal)
        elif q > self.last and not self.has_ended:
            self.last = q
            if self._tell is None:
                self.outbound.event(self.stream, q, frame)
            else:
                self._tell(self.stream, q, frame)
            if is_removal:
                self._end()

    def go_live(self, head: int) -> None:
        """Deliver what came after `head` meanwhile, and everything from now on, up to the user's removal."""
        self.last = head
        removal = next((q for q in self._removals or () if q > head), None)
        held, self._held = self._held, None
        for q, frame in held or ():
            if removal is None or q <= removal:
                self.offer(q, frame)
        if removal is not None:
            self._end()
        else:
            self._hub.fall_in(self)

    def _hold(self, q: int, frame: Frame, *, is_removal: bool) -> None:
        self._held = self._held or []
        self._held.append((q, frame))
        # The oldest are the likeliest to be in the copy that is being read; if they aren't, the client finds
        # the numbers missing.
        del self._held[:-HELD]
        if is_removal:
            self._removals = [*(self._removals or ()), q]

    def _end(self) -> None:
        self.has_ended = True
        if self._hub.end(self) and self.ended is not None:
            self.ended(self.stream)


class Hub:
    """Every subscription of this process."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._hearers: dict[Outbound, _Hearer] = {}
        self._heard = 0
        self._latest: deque[str] = deque(maxlen=LATEST)
        self.delivered = 0
        """How many events were given to connections."""

    @property
    def heard_streams(self) -> int:
        """How many streams anybody hears."""
        return len(self._streams)

    @property
    def heard(self) -> int:
        """How many events of inboxes were heard of."""
        return self._heard

    def has_moved(self, inbox: str, since: int) -> bool:
        """Say whether an inbox may have moved since so many were heard of."""
        count = self._heard - since
        return count > len(self._latest) or inbox in islice(reversed(self._latest), count)

    def subscribe(
        self,
        stream: str,
        outbound: Outbound,
        user_id: str,
        ended: Ended | None = None,
        tell: Tell | None = None,
    ) -> Subscription:
        """Begin to hold back a stream's events for a user's connection, in place of an earlier subscription.

        `ended` is called when the user was removed from the room, and was told so: one for all streams that
        the connection is told of.  `tell` is called with each event, in place of the connection.
        """
        outbound.forget(stream)
        known = self._streams.get(stream)
        if known is None:
            known = self._streams[stream] = _Stream(stream)
        hearer = self._hearers.get(outbound)
        if hearer is None:
            hearer = self._hearers[outbound] = _Hearer(user_id)
        # Of a name that thousands of connections have said, there is one.
        hearer.streams[known.name] = known
        subscription = Subscription(self, known.name, outbound, user_id, ended, tell)
        known.hearers[outbound] = subscription
        return subscription

    def fall_in(self, subscription: Subscription) -> None:
        """Keep no more of a live subscription than that there is one, if it is as far as its stream is."""
        stream, outbound = self._streams.get(subscription.stream), subscription.outbound
        if stream is None or stream.hearers.get(outbound) is not subscription or not subscription.is_whole:
            return
        if stream.last is None:
            stream.last = subscription.last
        if stream.last == subscription.last:
            hearer = stream.hearers[outbound] = self._hearers[outbound]
            hearer.ended = subscription.ended or hearer.ended

    def end(self, subscription: Subscription) -> bool:
        """Deliver nothing more to a subscription; return whether no other had taken its place.

        What was delivered before stays in the queue.
        """
        stream = self._streams.get(subscription.stream)
        if stream is None or stream.hearers.get(subscription.outbound) is not subscription:
            return False
        self._drop(stream, subscription.outbound)
        return True

    def unsubscribe(self, stream: str, outbound: Outbound) -> None:
        """Deliver nothing more of a stream to a connection, not even what waits for it."""
        known = self._streams.get(stream)
        if known is not None and outbound in known.hearers:
            outbound.forget(stream)
            self._drop(known, outbound)

    def remove(self, outbound: Outbound) -> None:
        """Deliver nothing more to a connection."""
        hearer = self._hearers.get(outbound)
        if hearer is not None:
            for stream in list(hearer.streams.values()):
                self._drop(stream, outbound)

    def _drop(self, stream: _Stream, outbound: Outbound) -> None:
        del stream.hearers[outbound]
        if not stream.hearers:
            del self._streams[stream.name]
        hearer = self._hearers[outbound]
        del hearer.streams[stream.name]
        if not hearer.streams:
            del self._hearers[outbound]

    def streams(self, outbound: Outbound) -> Collection[str]:
        """Return the streams that a connection is subscribed to."""
        hearer = self._hearers.get(outbound)
        return () if hearer is None else hearer.streams.keys()

    def heads(self, outbound: Outbound) -> dict[str, int]:
        """Return the number of the last event delivered, by the name of each stream."""
        hearer, heads = self._hearers.get(outbound), {}
        for stream in () if hearer is None else hearer.streams.values():
            entry = stream.hearers[outbound]
            last = _last_told(entry) if isinstance(entry, Subscription) else stream.last
            if last is not None:
                heads[showing.stream_name(stream.name)] = last
        return heads

    def hear(self, notice: Notice) -> None:
        """Deliver what the bus tells of."""
        if isinstance(notice, StoredEvent):
            if showing.is_inbox(notice.stream):
                self._heard += 1
                self._latest.append(notice.stream)
            self._deliver(notice)

    def _deliver(self, event: StoredEvent) -> None:
        stream = self._streams.get(event.stream)
        if stream is None:
            return
        shown, last, q = showing.event(event), stream.last, event.q
        frame, removed = wire.encode(shown), _find_removed(shown)
        is_news = last is None or q > last
        if is_news:
            stream.last = q
        self.delivered += len(stream.hearers)
        for outbound, hearer in list(stream.hearers.items()):
            if isinstance(hearer, Subscription):
                hearer.offer(q, frame, is_removal=hearer.user_id == removed)
                if hearer.last is not None:
                    self.fall_in(hearer)
            elif is_news:
                outbound.event(stream.name, q, frame)
                if hearer.user_id == removed:
                    self._drop(stream, outbound)
                    if hearer.ended is not None:
                        hearer.ended(stream.name)

    def announce(self, stream: str, frame: Frame, but: Collection[Outbound] = ()) -> int:
        """Give an ephemeral to every live subscriber of a stream, but for some; return to how many."""
        known, count = self._streams.get(stream), 0
        for outbound, hearer in () if known is None else known.hearers.items():
            if outbound not in but and (isinstance(hearer, _Hearer) or _last_told(hearer) is not None):
                outbound.ephemeral(frame)
                count += 1
        return count


def _last_told(subscription: Subscription) -> int | None:
    """Return the last event that a connection itself was told of; None if it isn't told yet, or otherwise."""
    return subscription.last if subscription.is_whole else None


def _find_removed(event: wire.Event) -> str | None:
    """Return whose membership an event ends."""
    if event.k == MemberChanged.kind:
        body = wire.body_of(event)
        if isinstance(body, wire.MemberBody) and body.op in _REMOVALS:
            return body.user.id
    return None
