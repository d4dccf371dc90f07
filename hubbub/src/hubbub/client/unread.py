"""How far the user has read a room, and how much waits there.

Knows what the server says of it now and then, and what follows from what is posted and deleted between.  It
has no messages: who has all that aren't read counts them, and is believed.

The room and one's own stream tell it independently, so that either may be ahead.  Times say what came first.

Invariants:

1. What was told up to a number or before a time isn't counted again, unless it was counted anew since.
2. What the own stream tells of a time before that of which the room told changes nothing: a copy knows it,
   and posting is reading.
"""

from __future__ import annotations

from collections.abc import Iterable

from hubbub import wire


class Unread:
    """What waits for a user in a room."""

    def __init__(self, me: str) -> None:
        self.marks = wire.Marks(0, 0, 0)
        self._me = me
        self._told_to = 0
        """Up to which event of the room what was told is counted."""
        self._told_at = 0
        """Before which time all that happened is counted."""
        self._marked_at = 0
        """When the own stream told it last."""
        self._known_at = 0
        self._known_to = 0
        """The last message that the room's own account of what was read knows of: its time and number."""
        self._copied_to = 0
        """Up to which message the mentions were told by the room."""
        self._calls: set[int] = set()
        """The messages that are known to speak of the user, though no text is here that says so."""

    # What is told

    def copied(self, marks: wire.Marks, head: int, messages: Iterable[wire.MessageInfo]) -> None:
        """Take what a copy of the room says, which has these messages."""
        later = sum(q > head for q in self._calls)
        self._tell(wire.Marks(marks.read, marks.unread, marks.mentions + later), to=head)
        self._copied_to = head
        self._known_at, self._known_to = max(((each.ts, each.q) for each in messages), default=(0, 0))

    def marked(self, marks: wire.Marks, ts: int, asof: int | None = None) -> None:
        """Take what the own stream says that happened at a time, when the room had come to `asof`.

        Of several events that were stored together, which have one time, only `asof` says what is counted.
        """
        if ts >= self._known_at or marks.read >= self._known_to:
            self._tell(marks, to=asof or 0, at=0 if asof else ts)
            self._marked_at, self._copied_to = ts, 0

    def filled(self, marks: wire.Marks, ts: int) -> None:
        """Take what a copy of the own stream says, which was made at that time or later.

        Of what was stored at one time only the marks' own `asof` says what is counted.
        """
        self._calls.clear()
        self._tell(marks, to=marks.asof or 0, at=0 if marks.asof else ts)
        self._marked_at, self._copied_to = ts, 0

    def waits(self, head: int, unread: int, mentions: int) -> None:
        """Take what waits as of an event."""
        self._tell(wire.Marks(self.marks.read, unread, mentions), to=head)
        self._copied_to = head

    def recounted(self, unread: int) -> None:
        """Take how many of the messages aren't read, as of the last event."""
        self._told_to = self._told_at = 0
        self.marks.unread = unread

    def _tell(self, marks: wire.Marks, *, to: int = 0, at: int = 0) -> None:
        self._told_to, self._told_at = to, at
        self.marks = wire.Marks(marks.read, marks.unread, marks.mentions)

    # What follows

    def posted(self, message: wire.MessageInfo, *, counts: bool) -> None:
        """Learn that a message came outside of threads; it `counts` if it is there yet."""
        if message.by == self._me:
            self.posted_own(message)
        elif counts and message.q > self.marks.read and not self.is_told(message.q, message.ts):
            self.marks.unread += 1

    def posted_own(self, message: wire.MessageInfo) -> None:
        """Learn that the user has posted a message outside of threads."""
        if message.q > self.marks.read and message.ts >= self._marked_at:
            self._known_at, self._known_to = message.ts, message.q
            self.marks.read = message.q
            self._calls = {q for q in self._calls if q > message.q}
            if message.q > self._told_to:
                self.marks.unread = 0
            if message.q > self._copied_to:
                self.marks.mentions = len(self._calls)

    def deleted(self, event: wire.Event, message: int, *, counts: bool) -> None:
        """Learn that a message was deleted, which may have counted."""
        is_call = message in self._calls
        self._calls.discard(message)
        if message <= self.marks.read:
            return
        if counts and not self.is_told(event.q, event.ts):
            self.marks.unread = max(0, self.marks.unread - 1)
        if is_call and event.q > self._copied_to and event.ts >= self._marked_at:
            self.marks.mentions = max(0, self.marks.mentions - 1)

    def mentioned(self, q: int) -> None:
        """Learn that a message speaks of the user."""
        if q > self.marks.read:
            self._calls.add(q)
            self.marks.mentions += q > self._copied_to

    def arrived(self, message: wire.MessageInfo) -> None:
        """Learn that the text of a message is here."""
        self._calls.discard(message.q)

    def note(self, q: int) -> None:
        """Remember that a message speaks of the user: the text that says so is about to go."""
        if q > self.marks.read:
            self._calls.add(q)

    def is_told(self, q: int, ts: int) -> bool:
        """Say whether an event has its part in what the server counted."""
        return q <= self._told_to or ts < self._told_at
