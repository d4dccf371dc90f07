"""A room as it is to be shown: its messages, what is pinned, who is there, and what waits.

Knows what events and pages mean for all of that, of which the messages themselves, and the count of what
isn't read, have modules of their own.  It is given events in their order, and pages of history at any time.

Invariants:

1. There are never more than `limit` messages; the oldest go, and can be asked for again.
2. What happens while a page is on its way is noted, and happens to its messages as well.
3. What waits is counted from the messages wherever all that isn't read is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

from hubbub import wire
from hubbub.client import talks
from hubbub.client.messages import Change, RoomMessages
from hubbub.client.news import Happened, Named, Reset
from hubbub.client.unread import Unread

MESSAGES = 1_000


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
        self.present: dict[str, wire.PresenceInfo] = {}
        """Who is there, as far as the server says: in a large room it doesn't."""
        self._me = me
        self._here = RoomMessages(me, limit)
        self._unread = Unread(me)
        self._pins: dict[int, int] = {}
        self._doubtful: dict[int, wire.MessageInfo] = {}
        """The user's own messages of which it isn't known yet whether they were in threads."""
        self._expected: list[Expected] = []
        self._last = 0
        self._is_followed = False

    def __len__(self) -> int:
        return len(self._here)

    @property
    def limit(self) -> int:
        """How many messages it holds; who reads far back may raise it."""
        return self._here.limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._here.limit = limit

    @property
    def has_older(self) -> bool:
        """Whether there are messages before the first."""
        return self._here.has_older

    @property
    def marks(self) -> wire.Marks:
        """How far the user has read, and how much waits: counted, where all that isn't read is here."""
        return self._unread.marks

    @property
    def oldest(self) -> int | None:
        """The number of the first message that is here, in a thread or not."""
        return self._here.oldest

    @property
    def messages(self) -> list[wire.MessageInfo]:
        """The messages outside of threads, the oldest first."""
        return [message for message in self._here if message.th is None]

    @property
    def pins(self) -> list[int]:
        """The numbers of all messages that are pinned, here or not, the last pinned first."""
        return sorted(self._pins, key=self._pins.__getitem__, reverse=True)

    @property
    def pinned(self) -> list[wire.MessageInfo]:
        """Those of the messages here that are pinned, the last pinned first."""
        return sorted((each for each in self._here if each.pin), key=lambda each: -(each.pin or 0))

    def thread(self, root: int) -> list[wire.MessageInfo]:
        """Return those of the messages here that belong to a thread, the oldest first."""
        return [message for message in self._here if message.th == root]

    def find(self, q: int) -> wire.MessageInfo | None:
        """Return a message, if it is here."""
        return self._here.find(q)

    def name(self, user: str) -> str:
        """Return what a user is called; the id, if that isn't known."""
        return self.names.get(user, user)

    # What comes

    def reset(self, news: Reset) -> None:
        """Forget what was here: the room is so."""
        assert isinstance(news.copy, wire.RoomCopy)
        for expected in self._expected:
            expected.void = True
        self._doubtful.clear()
        self.info = news.copy.room
        self.learn(news.copy.users)
        self._last, self._is_followed = news.head, True
        self._here.fill(news.copy.msgs, news.head, more=news.copy.more)
        self._pins = dict(news.copy.pins)
        self._unread.copied(news.copy.me, news.head, self._here)

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
            known = self._here.find(message.q)
            if known is None or known.rev < message.rev:
                if known is not None:
                    self._note(known)
                self._here.put(deepcopy(message), asof)
        for news in overtaking:
            self._here.take_effect(news.event, news.body)
        self._here.trim()
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
        self._here.reach(messages, before, more=more)
        self.add_page(messages, asof, overtaking)

    def happened(self, news: Happened) -> None:
        """Take the room's next event."""
        event = news.event
        is_new = not self._is_followed
        self._last, self._is_followed = event.q, True
        if self._here.whole is None:
            self._here.whole = event.q
        match news.body:
            case wire.PostedBody() as body:
                self._posted(event, body)
            case wire.Forgotten() if event.k == "msg.new":
                # What deleted it comes later, and says whether it was in a thread.
                self._posted(event, wire.PostedBody("", ""))
            case wire.EditedBody() | wire.DeletedBody() | wire.ReactedBody() | wire.PinnedBody() as body:
                self._changed(event, body)
            case wire.MemberBody(user=user) as member:
                self.names[user.id] = user.name
                self.info = self.info and talks.follow(self.info, member, self._me)
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
        message = self._here.find(mention.q)
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
        message = self._here.find(event.q)
        if message is None:
            message = wire.MessageInfo(
                q=event.q,
                rev=event.q,
                ts=event.ts,
                by=event.by,
                n=body.n,
                text=body.text,
                base=event.q,
                re=body.re,
                th=body.th,
                rx={},
                files=list(body.files),
            )
            self._here.put(message)
        message.n = body.n
        self._here.take_effect(event, body)
        if body.n and message.deleted is None:
            self._unread.arrived(message)
        if not body.n and message.by == self._me:
            self._doubtful[event.q] = message
        elif body.th is None and body.n:
            self._unread.posted(message, counts=_counts(message))
            if message.by == self._me:
                self._recount()
        self._here.trim()

    def _changed(self, event: wire.Event, body: Change) -> None:
        if isinstance(body, wire.PinnedBody | wire.DeletedBody):
            self._pins.pop(body.m, None)
        if isinstance(body, wire.PinnedBody) and body.on:
            self._pins[body.m] = event.q
        message = self._here.find(body.m)
        if message is not None:
            self._note(message)
        if isinstance(body, wire.DeletedBody):
            self._count_deleted(event, body, message)
        self._here.take_effect(event, body)

    def _note(self, message: wire.MessageInfo) -> None:
        if self._here.calls(message):
            self._unread.note(message.q)

    def _count_deleted(
        self, event: wire.Event, body: wire.DeletedBody, message: wire.MessageInfo | None
    ) -> None:
        own = self._doubtful.pop(body.m, None)
        if own is not None and body.th is None:
            for later in self._here.since(own.q):
                self._note(later)
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

    # What waits

    @property
    def _has_unread(self) -> bool:
        """Whether all that isn't read is here, as far as events came."""
        whole = self._here.whole
        return self._is_followed and whole is not None and whole <= self.marks.read + 1

    def _recount(self) -> None:
        if self._has_unread:
            unread = (each for each in self._here.since(self.marks.read + 1) if each.q <= self._last)
            self._unread.recounted(sum(map(_counts, unread)))


def _counts(message: wire.MessageInfo) -> bool:
    """Say whether a message waits for who hasn't read it."""
    return message.th is None and message.deleted is None and message.n != ""
