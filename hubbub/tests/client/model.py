"""A server in few words: its rooms are lists, and what it does wrong is said by whoever turns it."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from hubbub import wire
from hubbub.client.news import Opened, Reset, Waiting
from hubbub.client.rooms import Rooms
from hubbub.client.view import Expected, RoomView

from .scripted import ANN, LIMITS, Desk, delta, event, inbox, log, refusal, reset, stored, told

DELTA = 3
"""So few events fit into a delta."""
PAGE = 2


class Server:
    """The other side of a desk: rooms, and frames on their way in both directions."""

    def __init__(self, desk: Desk, *rooms: str) -> None:
        self.desk = desk
        self.rooms: dict[str, list[dict[str, Any]]] = {room: [] for room in rooms}
        self.epoch = 1
        self.is_busy = False
        self.inbound: deque[dict[str, Any]] = deque()
        self.outbound: deque[dict[str, Any]] = deque()
        self._live: set[str] = set()
        self._held: dict[str, str] = {}
        self.is_open = False

    # The connection

    def connect(self) -> None:
        """Open a session."""
        if not self.is_open:
            self.is_open = True
            self._live.clear()
            self._held.clear()
            self.inbound.extend(self.desk.open())

    def disconnect(self) -> None:
        """Break the connection, with all that is on its way."""
        if self.is_open:
            self.is_open = False
            self.inbound.clear()
            self.outbound.clear()
            self.desk.sync.disconnected(None, "", self.desk.now)

    def hear(self) -> None:
        """Take what the client has said first."""
        self.inbound.extend(self.desk.heard())
        if self.is_open and self.inbound:
            self._do(self.inbound.popleft())

    def deliver(self) -> None:
        """Let the client have what was said first."""
        if self.is_open and self.outbound:
            self.inbound.extend(self.desk.say(self.outbound.popleft()))

    def flow(self) -> None:
        """Let everything arrive that is on its way."""
        while self.is_open and (self.inbound or self.outbound):
            self.hear()
            self.deliver()

    def settle(self) -> None:
        """Let everything be said and heard, with heartbeats, until nothing is left to say."""
        self.is_busy = False
        for _ in range(60):
            self.flow()
            self.inbound.extend(self.desk.advance(1.0))
            if self.is_open and not self.inbound:
                heads = {room: len(self.rooms[room]) for room in self._live}
                self.outbound.append({"t": "ping", "heads": heads})

    # What happens

    def post(self, room: str, nonce: str = "", by: str = "u_bo") -> int:
        """Store a message, and tell who is there."""
        q = len(self.rooms[room]) + 1
        said = event(q, room, n=nonce or f"theirs-{q}", text="hi") | {"by": by}
        self.rooms[room].append(said)
        if room in self._live:
            self.outbound.append(said)
        return q

    def restore(self, room: str) -> None:
        """Lose the last messages, as by restoring a backup."""
        self.disconnect()
        self.epoch += 1
        for each, events in self.rooms.items():
            if each == room:
                del events[-2:]

    # Requests

    def _do(self, frame: dict[str, Any]) -> None:
        answer = getattr(self, f"_{frame['t']}", None)
        if answer is not None:
            self.outbound.extend(answer(frame))

    def _sub(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        number, room = frame["id"], frame["s"]
        if room == "me":
            return [inbox(number, 0)]
        self._live.add(room)
        events = self.rooms[room]
        epoch, q = frame.get("at", (0, 0))
        if epoch == self.epoch and 0 <= len(events) - q <= DELTA:
            return [delta(number, len(events), epoch=self.epoch) | {"ev": events[q:]}]
        return [reset(number, len(events), self.epoch, room)]

    def _log(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        events, after = self.rooms[frame["s"]], frame["after"]
        page = log(frame["id"], len(events), more=after + PAGE < len(events), epoch=self.epoch)
        return [page | {"ev": events[after : after + PAGE]}]

    def _send(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        number, room, nonce = frame["id"], frame["s"], frame["n"]
        if self._held.get(room, nonce) != nonce or self.is_busy:
            self._held.setdefault(room, nonce)
            return [refusal(number, "unavailable", retry=True)]
        self._held.pop(room, None)
        found = [each["q"] for each in self.rooms[room] if each["d"]["n"] == nonce]
        return (
            [stored(number, found[0]) | {"dup": True}] if found else [stored(number, self._post(room, nonce))]
        )

    def _post(self, room: str, nonce: str) -> int:
        return self.post(room, nonce, "u_ann")


class Room:
    """What a server has of a room and of a member's marks there, told anew from the beginning each time.

    Each thing that happens is a transaction of its own, and has a time of its own.
    """

    def __init__(self, me: str = "u_ann", name: str = "r_tea") -> None:
        self.me, self.name = me, name
        self.now = 0
        self.epoch = 1
        self.events: list[dict[str, Any]] = []
        self.own: list[dict[str, Any]] = []

    @property
    def head(self) -> int:
        """The number of the last event."""
        return len(self.events)

    # What happens

    def happen(self, k: str, by: str, **d: Any) -> int:
        """Store an event; a message that speaks of the user is told in their own stream."""
        self.now += 1
        q = self.head + 1
        self.events.append(event(q, self.name, k, n=f"nonce-{q:03}", **d) | {"by": by, "ts": self.now})
        if k == "msg.new" and self._calls(self.events[-1]):
            self._tell_own("mention", q=q)
        return q

    def read(self, q: int) -> None:
        """Let the user have read up to an event."""
        self.now += 1
        marks = self.count(q)
        self._tell_own("read", q=q, unread=marks.unread, mentions=marks.mentions, asof=self.head)

    def lose(self, events: int) -> None:
        """Lose the last events, as by restoring a backup, and what was told of them."""
        self.epoch += 1
        self.now += 1
        del self.events[max(1, self.head - events) :]
        since = self.events[-1]["ts"]
        self.own = [each for each in self.own if each["ts"] <= since]

    def _tell_own(self, k: str, **d: Any) -> None:
        said = event(len(self.own) + 1, wire.ME, k)
        self.own.append(said | {"by": self.me, "ts": self.now, "d": {"s": self.name, **d}})

    def _calls(self, said: dict[str, Any]) -> bool:
        return said["by"] != self.me and f"<@{self.me}>" in said["d"]["text"]

    # What is so

    def messages(self, asof: int | None = None) -> dict[int, wire.MessageInfo]:
        """Return all messages as they were at an event."""
        messages: dict[int, wire.MessageInfo] = {}
        for each in self.events[:asof]:
            _change(messages, each)
        return messages

    def pins(self) -> list[tuple[int, int]]:
        """Return what is pinned, the last pinned first."""
        pins = [(each.q, each.pin) for each in self.messages().values() if each.pin is not None]
        return sorted(pins, key=lambda pin: -pin[1])

    def marks(self) -> wire.Marks:
        """Return how far the user has read, and how much waits."""
        told = [(each["ts"], each["d"]["q"]) for each in self.own if each["k"] == "read"]
        posted = [
            (each["ts"], each["q"])
            for each in self.events
            if each["k"] == "msg.new" and each["by"] == self.me and "th" not in each["d"]
        ]
        return self.count(max([(0, 0), *told, *posted])[1])

    def count(self, read: int) -> wire.Marks:
        """Return how much waits for who has read so far."""
        messages = self.messages()
        waiting = [each for each in messages.values() if each.q > read and each.deleted is None]
        unread = sum(each.th is None for each in waiting)
        return wire.Marks(read, unread, sum(self._calls(self.events[each.q - 1]) for each in waiting))

    # What is told of it

    def event(self, q: int, *, late: bool) -> dict[str, Any]:
        """Return an event as it was told, or as it is told `late`: what was deleted since is forgotten."""
        said = self.events[q - 1]
        target = said["q"] if said["k"] == "msg.new" else said["d"].get("m")
        if late and said["k"] in wire.FORGETTABLE and self.messages()[target].deleted is not None:
            return said | {"d": {}}
        return said

    def page(self, limit: int, before: int | None, after: int = 0) -> tuple[list[wire.MessageInfo], bool]:
        """Return the page that ends before a message, or begins after one; and whether there are more."""
        found = [q for q in self.messages() if (q > after if before is None else q < before)]
        page = found[:limit] if before is None else found[-limit:]
        return [self.messages()[q] for q in page], len(found) > limit

    def copy(self, limit: int) -> wire.RoomCopy:
        """Return a fresh copy."""
        messages, more = self.page(limit, self.head + 1)
        info = wire.RoomInfo(self.name, self.title(), "", "public")
        return wire.RoomCopy(info, self.marks(), messages, more, {}, self.pins())

    def title(self) -> str:
        """Return what it is called."""
        titles = [each["d"]["room"]["name"] for each in self.events if each["k"] == "room"]
        return str([self.name, *titles][-1])


def _change(messages: dict[int, wire.MessageInfo], said: dict[str, Any]) -> None:
    q, ts, by, k, d = said["q"], said["ts"], said["by"], said["k"], said["d"]
    if k == "msg.new":
        th = d.get("th")
        messages[q] = wire.MessageInfo(q, q, ts, by, d["n"], d["text"], q, d.get("re"), th, rx={})
        _count_reply(messages, th, q, 1)
    if (message := messages.get(d.get("m"))) is None:
        return
    message.rev = q
    if k == "msg.edit":
        message.text, message.base, message.ed = d["text"], q, ts
    elif k == "msg.del":
        message.text, message.deleted, message.pin, message.rx = "", ts, None, {}
        _count_reply(messages, message.th, q, -1)
    elif k == "react":
        users = message.rx.pop(d["e"], [])
        others = [each for each in users if each != by]
        users = (users if by in users else [*users, by]) if d["on"] else others
        message.rx |= {d["e"]: users} if users else {}
    elif k == "pin":
        message.pin = q if d["on"] else None


def _count_reply(messages: dict[int, wire.MessageInfo], root: int | None, q: int, change: int) -> None:
    if root is not None:
        messages[root].rev = q
        messages[root].rc += change


class Reader:
    """The user's rooms, told of one room as connections may: each stream in its order, pages late."""

    def __init__(self, room: Room, limit: int, *, own_first: bool = False) -> None:
        self.room = room
        self.own_first = own_first
        self.rooms = Rooms()
        self.rooms.me = room.me
        self.at = self.own_at = 0
        self._pages: deque[Page] = deque()
        self.open()
        self.view.limit = limit

    @property
    def view(self) -> RoomView:
        """What is shown of the room."""
        return self.rooms[self.room.name]

    def open(self) -> None:
        """Connect as for the first time: one's own stream is told afresh."""
        room = self.room
        welcome = {
            "t": "welcome",
            "sid": "s",
            "me": ANN,
            "now": room.now + 1,
            "hb": 25,
            "limits": LIMITS,
            "heads": {},
        }
        self.rooms.learn(Opened(msgspec.convert(welcome, wire.Welcome)))
        info = wire.RoomInfo(room.name, room.title(), "", "public")
        marks = room.marks()
        marks.asof = room.head
        copy = wire.InboxCopy([info], {room.name: marks})
        self.own_at = len(room.own)
        self.rooms.learn(Reset(wire.ME, room.epoch, self.own_at, copy, False))

    def fill(self, limit: int, *, renumbered: bool = False) -> None:
        """Have the room told afresh."""
        self._catch_up_own()
        self.at = self.room.head
        copy = self.room.copy(limit)
        self.rooms.learn(Reset(self.room.name, self.room.epoch, self.at, copy, renumbered))

    def hear(self, *, late: bool) -> None:
        """Hear of the next event of the room."""
        if self.at < self.room.head:
            self._catch_up_own()
            self.at += 1
            self._learn(self.room.event(self.at, late=late))

    def hear_own(self) -> None:
        """Hear of the next event of one's own stream."""
        if self.own_at < len(self.room.own):
            self.own_at += 1
            self._learn(self.room.own[self.own_at - 1])

    def _catch_up_own(self) -> None:
        while self.own_first and self.own_at < len(self.room.own):
            self.hear_own()

    def hear_badge(self) -> None:
        """Hear only what waits; what happened is told later."""
        self._catch_up_own()
        marks = self.room.marks()
        self.rooms.learn(Waiting(self.room.name, self.room.head, marks.unread, marks.mentions))

    def _learn(self, said: dict[str, Any]) -> None:
        self.rooms.learn(told(said))

    # Pages

    def ask(self, limit: int, before: int | None, after: int) -> None:
        """Ask for a page."""
        self._pages.append(Page(self.view, limit, before, after))

    def answer(self, which: int) -> None:
        """Let the server read a page that was asked for; it is on its way then."""
        if self._pages:
            self._pages[which % len(self._pages)].read(self.room)

    def take(self) -> None:
        """Take the first page that was asked for, as long as what it joins is here."""
        if self._pages:
            self._pages.popleft().arrive(self.room)


class Page:
    """A page of history on its way."""

    def __init__(self, view: RoomView, limit: int, before: int | None, after: int) -> None:
        self._view = view
        self._asked = limit, before, after
        self._read: tuple[list[wire.MessageInfo], bool, int] | None = None
        self._expecting: AbstractContextManager[Expected] = view.expect_page()
        self._expected = self._expecting.__enter__()

    def read(self, room: Room) -> None:
        """Have it as things are now."""
        if self._read is None:
            self._read = *room.page(*self._asked), room.head

    def arrive(self, room: Room) -> None:
        """Be taken."""
        self.read(room)
        assert self._read is not None
        messages, more, asof = self._read
        self._expecting.__exit__(None, None, None)
        _, before, _ = self._asked
        if self._expected.void:
            return
        if before is None:
            self._view.add_page(messages, asof, self._expected.overtaking)
        else:
            self._view.add_older(messages, asof, self._expected.overtaking, before=before, more=more)
