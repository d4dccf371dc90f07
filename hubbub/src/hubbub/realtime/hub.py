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


class Subscription:
    """One connection's interest in one stream; `ended` is called when its user is removed from there.

    One with a `tell` of its own isn't told of what may be lost, nor how far the stream is.
    """

    # There are as many as all connections have rooms.
    __slots__ = (
        "_ended",
        "_held",
        "_hub",
        "_removals",
        "_tell",
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
        self._hub = hub
        self._ended = ended
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
        if self._hub.end(self) and self._ended is not None:
            self._ended(self.stream)


class Hub:
    """Every subscription of this process."""

    def __init__(self) -> None:
        self._streams: dict[str, dict[Outbound, Subscription]] = {}
        self._subscribed: dict[Outbound, dict[str, Subscription]] = {}
        self._heard = 0
        self._latest: deque[str] = deque(maxlen=LATEST)

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

        `ended` is called when the user was removed from the room, and was told so; `tell` with each event, in
        place of the connection.
        """
        outbound.forget(stream)
        subscribers = self._streams.setdefault(stream, {})
        for another in subscribers.values():
            # Of a name that thousands of connections have said, there is one.
            stream = another.stream
            break
        subscription = subscribers[outbound] = Subscription(self, stream, outbound, user_id, ended, tell)
        self._subscribed.setdefault(outbound, {})[stream] = subscription
        return subscription

    def end(self, subscription: Subscription) -> bool:
        """Deliver nothing more to a subscription, unless another has taken its place; tell if it was so.

        What was delivered before stays in the queue.
        """
        stream, outbound = subscription.stream, subscription.outbound
        if self._subscribed.get(outbound, {}).get(stream) is not subscription:
            return False
        del self._subscribed[outbound][stream]
        self._drop(stream, outbound)
        return True

    def unsubscribe(self, stream: str, outbound: Outbound) -> None:
        """Deliver nothing more of a stream to a connection, not even what waits for it."""
        if self._subscribed.get(outbound, {}).pop(stream, None) is None:
            return
        outbound.forget(stream)
        self._drop(stream, outbound)

    def remove(self, outbound: Outbound) -> None:
        """Deliver nothing more to a connection."""
        for stream in self._subscribed.pop(outbound, {}):
            self._drop(stream, outbound)

    def _drop(self, stream: str, outbound: Outbound) -> None:
        del self._streams[stream][outbound]
        if not self._streams[stream]:
            del self._streams[stream]

    def streams(self, outbound: Outbound) -> Collection[str]:
        """Return the streams that a connection is subscribed to."""
        return self._subscribed.get(outbound, {}).keys()

    def heads(self, outbound: Outbound) -> dict[str, int]:
        """Return the number of the last event delivered, by the name of each stream."""
        subscribed = (each for each in self._subscribed.get(outbound, {}).values() if each.is_whole)
        return {showing.stream_name(each.stream): each.last for each in subscribed if each.last is not None}

    def hear(self, notice: Notice) -> None:
        """Deliver what the bus tells of."""
        if isinstance(notice, StoredEvent):
            if showing.is_inbox(notice.stream):
                self._heard += 1
                self._latest.append(notice.stream)
            self._deliver(notice)

    def _deliver(self, event: StoredEvent) -> None:
        subscribers = self._streams.get(event.stream)
        if not subscribers:
            return
        shown = showing.event(event)
        frame, removed = wire.encode(shown), _find_removed(shown)
        for subscription in list(subscribers.values()):
            subscription.offer(event.q, frame, is_removal=subscription.user_id == removed)

    def announce(self, stream: str, frame: Frame, but: Collection[Outbound] = ()) -> int:
        """Give an ephemeral to every live subscriber of a stream, but for some; return to how many."""
        count = 0
        for outbound, subscription in self._streams.get(stream, {}).items():
            if outbound not in but and subscription.is_whole and subscription.last is not None:
                outbound.ephemeral(frame)
                count += 1
        return count


def _find_removed(event: wire.Event) -> str | None:
    """Return whose membership an event ends."""
    if event.k == MemberChanged.kind:
        body = wire.body_of(event)
        if isinstance(body, wire.MemberBody) and body.op in _REMOVALS:
            return body.user.id
    return None
