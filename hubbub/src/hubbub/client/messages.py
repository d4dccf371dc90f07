"""A room's messages as far as they are here, in order, and what events make of them.

Knows how an event changes messages.  What waits to be read, and what is told to a program, it doesn't know.

Invariants:

1. Messages ascend by `q`; each is here once, and in threads as well as outside of them.
2. A message is as it was after the event `rev`: what is older never changes it, wherever it comes from.
3. After `trim` there are no more than `limit` messages; the oldest go, and can be asked for again.
4. From `whole` on every message up to the last event is here; before it there may be pages with holes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import TypeAlias

from hubbub import wire

Change: TypeAlias = wire.EditedBody | wire.DeletedBody | wire.ReactedBody | wire.PinnedBody


class RoomMessages:
    """The messages of a room that are here, the oldest first."""

    def __init__(self, me: str, limit: int) -> None:
        self.limit = limit
        self.has_older = False
        """Whether there are messages before the first."""
        self.whole: int | None = None
        """From which number on all are here; unknown before the first event."""
        self._me = me
        self._here: dict[int, wire.MessageInfo] = {}
        self._order: list[int] = []
        self._calls: set[int] = set()
        self._asof: dict[int, int] = {}
        """Up to which event that was known which came in pages."""

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[wire.MessageInfo]:
        return (self._here[q] for q in self._order)

    @property
    def oldest(self) -> int | None:
        """The number of the first."""
        return self._order[0] if self._order else None

    def find(self, q: int) -> wire.MessageInfo | None:
        """Return a message, if it is here."""
        return self._here.get(q)

    def since(self, first: int) -> Iterator[wire.MessageInfo]:
        """Return those that have this number or a later one."""
        return (self._here[q] for q in self._order[bisect_left(self._order, first) :])

    def calls(self, message: wire.MessageInfo) -> bool:
        """Say whether a message called the user when it came."""
        return message.q in self._calls

    # What comes

    def fill(self, messages: Iterable[wire.MessageInfo], head: int, *, more: bool) -> None:
        """Have these messages only, which are all up to the event `head`, but for `more` before them."""
        for known in (self._here, self._order, self._calls, self._asof):
            known.clear()
        for message in messages:
            self.put(deepcopy(message))
        self.has_older, self.whole = more, 0
        if more:
            self.whole = self._order[0] if self._order else head + 1
        self.trim()

    def put(self, message: wire.MessageInfo, asof: int | None = None) -> None:
        """Take a message; one of a page is as it was at the event `asof`."""
        if message.q not in self._here:
            self._order.insert(bisect_left(self._order, message.q), message.q)
            # Another text later changes nothing in whom it calls.
            if message.by != self._me and f"<@{self._me}>" in message.text:
                self._calls.add(message.q)
        self._here[message.q] = message
        if asof is not None:
            self._asof[message.q] = asof

    def reach(self, page: Sequence[wire.MessageInfo], before: int, *, more: bool) -> None:
        """Learn that a page, soon to come, is all that was before a message, but for `more` before that."""
        if not self._order or self._order[0] >= before:
            self.has_older = more
        if self.whole is not None and self.whole <= before and (page or not more):
            self.whole = min(self.whole, page[0].q if more else 0)

    def trim(self) -> None:
        """Let the oldest go, if there are too many."""
        excess = len(self._order) - self.limit
        if excess > 0:
            self.has_older = True
            for q in self._order[:excess]:
                del self._here[q]
                self._calls.discard(q)
                self._asof.pop(q, None)
            if self.whole is not None:
                self.whole = max(self.whole, self._order[excess - 1] + 1)
            del self._order[:excess]

    # Events

    def take_effect(self, event: wire.Event, body: object) -> None:
        """Let an event change the messages that are here; those that it has changed before it leaves."""
        match body:
            case wire.PostedBody(th=int(root)):
                self._count_reply(event, root, 1)
            case wire.EditedBody() | wire.DeletedBody() | wire.ReactedBody() | wire.PinnedBody():
                message = self._here.get(body.m)
                if isinstance(body, wire.DeletedBody):
                    self._take_from_thread(event, body, message)
                if message is not None and event.q > message.rev:
                    _fold(message, event, body)

    def _take_from_thread(
        self, event: wire.Event, body: wire.DeletedBody, message: wire.MessageInfo | None
    ) -> None:
        root = message.th if body.th is None and message is not None else body.th
        if root is None:
            return
        # One that was deleted before it came was never counted but in pages: nobody said where it belonged.
        is_counted = message is None or message.n != "" or body.m <= self._asof.get(root, 0)
        self._count_reply(event, root, -1 if is_counted else 0)

    def _count_reply(self, event: wire.Event, root: int, change: int) -> None:
        message = self._here.get(root)
        if message is not None and event.q > message.rev:
            message.rev = event.q
            message.rc = max(0, message.rc + change)


def _fold(message: wire.MessageInfo, event: wire.Event, body: Change) -> None:
    """Change a message as a later event says (R7)."""
    message.rev = event.q
    match body:
        case wire.EditedBody(text=text):
            message.text, message.base, message.ed = text, event.q, event.ts
        case wire.DeletedBody(th=root):
            message.text, message.deleted, message.pin, message.rx = "", event.ts, None, {}
            message.files = []
            message.th = message.th if root is None else root
        case wire.ReactedBody(e=emoji, on=on):
            _react(message.rx, emoji, event.by, on=on)
        case wire.PinnedBody(on=on):
            message.pin = event.q if on else None


def _react(reactions: dict[str, list[str]], emoji: str, user: str, *, on: bool) -> None:
    users = reactions.setdefault(emoji, [])
    if (user in users) is not on:
        (users.append if on else users.remove)(user)
    if not users:
        del reactions[emoji]
