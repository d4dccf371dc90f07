"""A room as it is to be shown: its messages in order, with what became of each, and what waits there.

Knows how events change messages.  It is given them in their order, and pages of history at any time.

Invariants:

1. Messages ascend by `q`; each is there once, and in threads as well as outside of them.
2. A message is as it was after the event `rev`: what is older never changes it, wherever it comes from.
3. There are never more than `limit` messages; the oldest go, and can be asked for again.
4. From `_whole` on every message up to the last event is here; before it there may be pages with holes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeAlias

from hubbub import wire
from hubbub.client.news import Happened, Named, Reset
from hubbub.client.unread import Unread

MESSAGES = 1_000

_Change: TypeAlias = wire.EditedBody | wire.DeletedBody | wire.ReactedBody | wire.PinnedBody


@dataclass(slots=True)
class Expected:
    """A page of history that is on its way, and what happened since it was asked for.

    It is `void` if the room was filled anew meanwhile: what became of its messages nobody knows.
    """

    overtaking: list[Happened] = field(default_factory=list)
    void: bool = False


class RoomView:
    """What a user sees of a room."""

    def __init__(self, room: str, me: str, limit: int = MESSAGES) -> None:
        self.id = room
        self.info: wire.RoomInfo | None = None
        self.names: dict[str, str] = {}
        self.has_older = False
        """Whether there are messages before the first."""
        self.present: dict[str, wire.PresenceInfo] = {}
        """Who is there, as far as the server says: in a large room it doesn't."""
        self.limit = limit
        """How many messages it holds; who reads far back may raise it."""
        self._me = me
        self._unread = Unread(me)
        self._pins: dict[int, int] = {}
        self._messages: dict[int, wire.MessageInfo] = {}
        self._calls: set[int] = set()
        self._order: list[int] = []
        self._asof: dict[int, int] = {}
        """Up to which event that was known which came in pages."""
        self._doubtful: dict[int, wire.MessageInfo] = {}
        """The user's own messages of which it isn't known yet whether they were in threads."""
        self._expected: list[Expected] = []
        self._last = 0
        self._whole: int | None = None
        self._is_followed = False

    def __len__(self) -> int:
        return len(self._order)

    @property
    def marks(self) -> wire.Marks:
        """How far the user has read, and how much waits: counted, where all that isn't read is here."""
        return self._unread.marks

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
        for expected in self._expected:
            expected.void = True
        for known in (self._messages, self._order, self._calls, self._asof, self._doubtful):
            known.clear()
        self.info = news.copy.room
        self.learn(news.copy.users)
        self._last, self._whole, self._is_followed = news.head, 0, True
        for message in news.copy.msgs:
            self._put(deepcopy(message))
        self.has_older = news.copy.more
        if self.has_older:
            self._whole = self._order[0] if self._order else news.head + 1
        self._trim()
        self._pins = dict(news.copy.pins)
        self._unread.copied(news.copy.me, news.head, self._ordered())

    def learn(self, users: wire.Names) -> None:
        """Note what users are called."""
        self.names |= {user: info.name for user, info in users.items()}

    def named(self, news: Named) -> None:
        """Note what those are called whose events follow."""
        self.learn(news.users)

    @contextmanager
    def expect_page(self) -> Iterator[Expected]:
        """Note what happens while a page is on its way: it may have its messages as they were before."""
        expected = Expected()
        self._expected.append(expected)
        try:
            yield expected
        finally:
            self._expected.remove(expected)

    def add_page(
        self, messages: Iterable[wire.MessageInfo], asof: int, overtaking: Iterable[Happened] = ()
    ) -> None:
        """Take messages of a page of history, each unless it is here as something newer.

        They are as they were at the event `asof`; what happened since the page was asked for happens to them
        now.
        """
        for message in messages:
            known = self._messages.get(message.q)
            if known is None or known.rev < message.rev:
                if known is not None:
                    self._note(known)
                self._put(deepcopy(message))
                self._asof[message.q] = asof
        for news in overtaking:
            self._take_effect(news.event, news.body)
        self._trim()
        self._recount()

    def add_older(
        self,
        messages: list[wire.MessageInfo],
        asof: int,
        overtaking: Iterable[Happened] = (),
        *,
        before: int,
        more: bool,
    ) -> None:
        """Take the page of history that ends before a message, and whether there are `more` before it."""
        reaches_first = not self._order or self._order[0] >= before
        if reaches_first:
            self.has_older = more
        if self._whole is not None and self._whole <= before and (messages or not more):
            self._whole = min(self._whole, messages[0].q if more else 0)
        self.add_page(messages, asof, overtaking)

    def happened(self, news: Happened) -> None:
        """Take the room's next event."""
        event = news.event
        is_new = not self._is_followed
        self._last, self._is_followed = event.q, True
        if self._whole is None:
            self._whole = event.q
        match news.body:
            case wire.PostedBody() as body:
                self._posted(event, body)
            case wire.Forgotten() if event.k == "msg.new":
                # What deleted it comes later, and says whether it was in a thread.
                self._posted(event, wire.PostedBody("", ""))
            case wire.EditedBody() | wire.DeletedBody() | wire.ReactedBody() | wire.PinnedBody() as body:
                self._changed(event, body)
            case wire.MemberBody(user=user):
                self.names[user.id] = user.name
            case wire.RoomBody(room=room):
                self.info = room
        for expected in self._expected:
            expected.overtaking.append(news)
        if is_new:
            self._recount()

    def filled(self, room: wire.RoomInfo, marks: wire.Marks | None, ts: int) -> None:
        """Take what a copy of one's own stream says of the room, which was made at that time or later."""
        self.info = room
        if marks is not None:
            self._unread.filled(marks, ts)
            self._recount()

    def mark(self, read: wire.ReadBody, ts: int) -> None:
        """Take what one's own stream says: that so much was read at that time, and so much waited."""
        self._unread.marked(wire.Marks(read.q, read.unread, read.mentions), ts, read.asof)
        self._recount()

    def wait(self, head: int, unread: int, mentions: int) -> None:
        """Take what waits here up to an event of which nothing else is told."""
        self._is_followed = False
        self._unread.waits(head, unread, mentions)

    def unfollow(self) -> None:
        """Learn that nothing more will be told of what happens here, for a while or at all."""
        self._is_followed = False

    def mentioned(self, mention: wire.MentionBody) -> None:
        """Take that a message speaks of the user."""
        message = self._messages.get(mention.q)
        if message is None or message.deleted is None:
            self._unread.mentioned(mention.q)

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
        message = self._messages.get(event.q)
        if message is None:
            message = wire.MessageInfo(
                event.q, event.q, event.ts, event.by, body.n, body.text, event.q, body.re, body.th, rx={}
            )
            self._put(message)
        message.n = body.n
        self._take_effect(event, body)
        if body.n and message.deleted is None:
            self._unread.arrived(message)
        if not body.n and message.by == self._me:
            self._doubtful[event.q] = message
        elif body.th is None and body.n:
            self._unread.posted(message, counts=_counts(message))
            if message.by == self._me:
                self._recount()
        self._trim()

    def _changed(self, event: wire.Event, body: _Change) -> None:
        if isinstance(body, wire.PinnedBody | wire.DeletedBody):
            self._pins.pop(body.m, None)
        if isinstance(body, wire.PinnedBody) and body.on:
            self._pins[body.m] = event.q
        message = self._messages.get(body.m)
        if message is not None:
            self._note(message)
        if isinstance(body, wire.DeletedBody):
            self._count_deleted(event, body, message)
        self._take_effect(event, body)

    def _note(self, message: wire.MessageInfo) -> None:
        if message.q in self._calls:
            self._unread.note(message.q)

    def _count_deleted(
        self, event: wire.Event, body: wire.DeletedBody, message: wire.MessageInfo | None
    ) -> None:
        own = self._doubtful.pop(body.m, None)
        if own is not None and body.th is None:
            for q in self._order[bisect_left(self._order, own.q) :]:
                self._note(self._messages[q])
            self._unread.posted_own(own)
            self._recount()
        if message is None:
            counts = body.th is None
        elif self._has_unread:
            counts = _counts(message)
        else:
            # The server's count has those, too, that a page tells to be deleted, or that came without text.
            is_counted = message.n != "" or self._unread.is_told(message.q, message.ts)
            counts = body.th is None and is_counted
        self._unread.deleted(event, body.m, counts=counts)

    def _take_effect(self, event: wire.Event, body: object) -> None:
        """Let an event change the messages that are here; those that it has changed before it leaves."""
        match body:
            case wire.PostedBody(th=int(root)):
                self._count_reply(event, root, 1)
            case wire.EditedBody() | wire.DeletedBody() | wire.ReactedBody() | wire.PinnedBody():
                message = self._messages.get(body.m)
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
        message = self._messages.get(root)
        if message is not None and event.q > message.rev:
            message.rev = event.q
            message.rc = max(0, message.rc + change)

    # What waits

    @property
    def _has_unread(self) -> bool:
        """Whether all that isn't read is here, as far as events came."""
        return self._is_followed and self._whole is not None and self._whole <= self.marks.read + 1

    def _recount(self) -> None:
        if self._has_unread:
            first = bisect_left(self._order, self.marks.read + 1)
            end = bisect_left(self._order, self._last + 1)
            unread = (self._messages[q] for q in self._order[first:end])
            self._unread.recounted(sum(_counts(message) for message in unread))

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
                self._asof.pop(q, None)
            if self._whole is not None:
                self._whole = max(self._whole, self._order[excess - 1] + 1)
            del self._order[:excess]


def _counts(message: wire.MessageInfo) -> bool:
    """Say whether a message waits for who hasn't read it."""
    return message.th is None and message.deleted is None and message.n != ""


def _fold(message: wire.MessageInfo, event: wire.Event, body: _Change) -> None:
    """Change a message as a later event says (R7)."""
    message.rev = event.q
    match body:
        case wire.EditedBody(text=text):
            message.text, message.base, message.ed = text, event.q, event.ts
        case wire.DeletedBody(th=root):
            message.text, message.deleted, message.pin, message.rx = "", event.ts, None, {}
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
