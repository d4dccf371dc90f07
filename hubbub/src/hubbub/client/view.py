"""A room as it is to be shown: its messages in order, with what became of each, and what waits there.

Knows how events change messages.  It is given them in their order, and pages of history at any time.

Invariants:

1. Messages ascend by `q`; each is there once, and in threads as well as outside of them.
2. A message is as it was after the event `rev`: what is older never changes it, wherever it comes from.
3. There are never more than `limit` messages; the oldest go, and can be asked for again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from copy import deepcopy

from hubbub import wire
from hubbub.client.news import Happened, Named, Reset

MESSAGES = 1_000


class RoomView:
    """What a user sees of a room."""

    def __init__(self, room: str, me: str, limit: int = MESSAGES) -> None:
        self.id = room
        self.info: wire.RoomInfo | None = None
        self.marks = wire.Marks(0, 0, 0)
        self.names: dict[str, str] = {}
        self.has_older = False
        """Whether there are messages before the first."""
        self.present: dict[str, wire.PresenceInfo] = {}
        """Who is there, as far as the server says: in a large room it doesn't."""
        self.limit = limit
        """How many messages it holds; who reads far back may raise it."""
        self._me = me
        self._pins: dict[int, int] = {}
        self._messages: dict[int, wire.MessageInfo] = {}
        self._calls: set[int] = set()
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._order)

    @property
    def oldest(self) -> int | None:
        """The number of the first message that is here, in a thread or not."""
        return self._order[0] if self._order else None

    @property
    def messages(self) -> list[wire.MessageInfo]:
        """The messages outside of threads, the oldest first."""
        return [message for message in self._ordered() if message.th is None]

    @property
    def pins(self) -> list[int]:
        """The numbers of all messages that are pinned, here or not, the last pinned first."""
        return sorted(self._pins, key=self._pins.__getitem__, reverse=True)

    @property
    def pinned(self) -> list[wire.MessageInfo]:
        """Those of the messages here that are pinned, the last pinned first."""
        return sorted((each for each in self._ordered() if each.pin), key=lambda each: -(each.pin or 0))

    def thread(self, root: int) -> list[wire.MessageInfo]:
        """Return those of the messages here that belong to a thread, the oldest first."""
        return [message for message in self._ordered() if message.th == root]

    def find(self, q: int) -> wire.MessageInfo | None:
        """Return a message, if it is here."""
        return self._messages.get(q)

    def name(self, user: str) -> str:
        """Return what a user is called; the id, if that isn't known."""
        return self.names.get(user, user)

    # What comes

    def reset(self, news: Reset) -> None:
        """Forget what was here: the room is so."""
        assert isinstance(news.copy, wire.RoomCopy)
        self._messages.clear()
        self._calls.clear()
        self._order.clear()
        self.info, self.marks = news.copy.room, deepcopy(news.copy.me)
        self.learn(news.copy.users)
        self.add_page(news.copy.msgs)
        self.has_older = news.copy.more
        self._pins = dict(news.copy.pins)

    def learn(self, users: wire.Names) -> None:
        """Note what users are called."""
        self.names |= {user: info.name for user, info in users.items()}

    def named(self, news: Named) -> None:
        """Note what those are called whose events follow."""
        self.learn(news.users)

    def add_page(self, messages: Iterable[wire.MessageInfo]) -> None:
        """Take messages of a page of history, each unless it is here as something newer."""
        for message in messages:
            known = self._messages.get(message.q)
            if known is None or known.rev < message.rev:
                self._put(deepcopy(message))
        self._trim()

    def add_older(self, messages: Iterable[wire.MessageInfo], before: int, *, more: bool) -> None:
        """Take the page of history that ends before a message, and whether there are `more` before it."""
        reaches_first = not self._order or self._order[0] >= before
        if reaches_first:
            self.has_older = more
        self.add_page(messages)

    def happened(self, news: Happened) -> None:
        """Take the room's next event."""
        event = news.event
        match news.body:
            case wire.PostedBody() as body:
                self._posted(event, body)
            case wire.Forgotten() if event.k == "msg.new":
                # What deleted it comes later; whether it was in a thread nobody remembers.
                self._posted(event, wire.PostedBody("", ""))
            case wire.EditedBody() | wire.DeletedBody() | wire.ReactedBody() | wire.PinnedBody() as body:
                self._changed(event, body)
            case wire.MemberBody(user=user):
                self.names[user.id] = user.name
            case wire.RoomBody(room=room):
                self.info = room

    def mark(self, read: wire.ReadBody) -> None:
        """Take what is known to wait here."""
        self.marks = wire.Marks(read.q, read.unread, read.mentions)

    def mentioned(self, mention: wire.MentionBody) -> None:
        """Take that a message speaks of the user."""
        if mention.q > self.marks.read:
            self.marks.mentions += 1

    def overheard(self, body: wire.EphemeralBody) -> None:
        """Take who is there, and what those who do something are called."""
        match body:
            case wire.PresenceList(users=users):
                self.present = {user.id: user for user in users}
                self.names |= {user.id: user.name for user in users}
            case wire.PresenceInfo(id=user, state="off"):
                self.present.pop(user, None)
            case wire.PresenceInfo(id=user, name=name):
                self.present[user] = body
                self.names[user] = name
            case wire.TypingInfo(user=typist):
                self.names[typist.id] = typist.name

    # Events

    def _posted(self, event: wire.Event, body: wire.PostedBody) -> None:
        if event.q not in self._messages:
            self._put(
                wire.MessageInfo(
                    event.q, event.q, event.ts, event.by, body.n, body.text, event.q, body.re, body.th, rx={}
                )
            )
            self._trim()
        self._count_reply(event, body.th, 1)
        if body.th is None:
            self._count_posted(event)

    def _count_posted(self, event: wire.Event) -> None:
        if event.by == self._me:
            self.marks = wire.Marks(event.q, 0, 0)
        else:
            self.marks.unread += 1

    def _changed(
        self,
        event: wire.Event,
        body: wire.EditedBody | wire.DeletedBody | wire.ReactedBody | wire.PinnedBody,
    ) -> None:
        if isinstance(body, wire.PinnedBody | wire.DeletedBody):
            self._pins.pop(body.m, None)
        if isinstance(body, wire.PinnedBody) and body.on:
            self._pins[body.m] = event.q
        message = self._messages.get(body.m)
        if message is None:
            return
        if isinstance(body, wire.DeletedBody):
            self._count_deleted(event, message)
        if event.q > message.rev:
            _fold(message, event, body)

    def _count_deleted(self, event: wire.Event, message: wire.MessageInfo) -> None:
        self._count_reply(event, message.th, -1)
        if message.q <= self.marks.read:
            return
        if message.th is None:
            self.marks.unread = max(0, self.marks.unread - 1)
        if message.q in self._calls:
            self.marks.mentions = max(0, self.marks.mentions - 1)

    def _count_reply(self, event: wire.Event, root: int | None, change: int) -> None:
        message = None if root is None else self._messages.get(root)
        if message is not None and event.q > message.rev:
            message.rev = event.q
            message.rc = max(0, message.rc + change)

    # Order

    def _ordered(self) -> Iterable[wire.MessageInfo]:
        return (self._messages[q] for q in self._order)

    def _put(self, message: wire.MessageInfo) -> None:
        if message.q not in self._messages:
            self._order.insert(bisect_left(self._order, message.q), message.q)
            # Another text later changes nothing in whom it calls.
            if message.by != self._me and f"<@{self._me}>" in message.text:
                self._calls.add(message.q)
        self._messages[message.q] = message

    def _trim(self) -> None:
        excess = len(self._order) - self.limit
        if excess > 0:
            self.has_older = True
            for q in self._order[:excess]:
                del self._messages[q]
                self._calls.discard(q)
            del self._order[:excess]


def _fold(
    message: wire.MessageInfo,
    event: wire.Event,
    body: wire.EditedBody | wire.DeletedBody | wire.ReactedBody | wire.PinnedBody,
) -> None:
    """Change a message as a later event says (R7)."""
    message.rev = event.q
    match body:
        case wire.EditedBody(text=text):
            message.text, message.base, message.ed = text, event.q, event.ts
        case wire.DeletedBody():
            message.text, message.deleted, message.pin, message.rx = "", event.ts, None, {}
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
