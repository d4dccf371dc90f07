"""A program on the client's real sync engine, with an outbox that outlives it.

Knows of the engine what a program may know.  Everything that it is told goes into the history.
"""

from __future__ import annotations

from collections.abc import Callable

from faults.history import Acknowledged, Refilled, Shown, Wrote

from hubbub import wire
from hubbub.client.link import State
from hubbub.client.news import Happened, News, Refused, Reset, Stored
from hubbub.client.sync import Sync

from .link import Link
from .rules import Rule
from .showing import entry_of
from .world import World


class Client:
    """One device of a user; `connect` gives a link whose other end is a server, or nothing."""

    def __init__(
        self, world: World, name: str, user: str, connect: Callable[[Client], Link | None], *, complete: bool
    ) -> None:
        self.name, self.user = name, user
        self.link: Link | None = None
        self._world = world
        self._connect = connect
        self._complete = complete
        self._outbox: dict[str, wire.Send] = {}
        self._written = 0
        self._seen: dict[str, int] = {}
        self._alarm: float | None = None
        self._asleep_until = 0.0
        self._begin()

    def _begin(self) -> None:
        client = wire.Client(self.name, "1")
        self._sync = Sync(client, self.user, self._world.chance.random, complete=self._complete)

    # What the program does

    def write(self, room: str) -> None:
        """Send a message."""
        self._written += 1
        nonce = f"{self.name}-{self._written:08}"
        send = wire.Send(0, room, nonce, wire.Draft("hi"))
        self._world.history.append(Wrote(self.name, self.user, room, nonce))
        self._outbox[nonce] = send
        self._sync.write(send, self._world.now)
        self._go_on()

    def mark_read(self, room: str) -> None:
        """Say that a part of a room was read."""
        if last := self._seen.get(room):
            self._sync.mark_read(room, self._world.chance.randint(1, last))
            self._go_on()

    def restart(self) -> None:
        """Forget everything but what is on the disk: the outbox, and with some luck the positions."""
        if self.link is not None:
            self.link.leave(up=True)
            self.link = None
        positions = self._sync.positions
        self._begin()
        if self._world.chance.random() < 0.5:
            for stream, at in positions.items():
                if stream != wire.ME:
                    self._sync.subscribe(stream, self._world.now, at=at)
        outbox = list(self._outbox.values())
        for send in outbox if self._world.has(Rule.OUTBOX) else reversed(outbox):
            self._sync.write(send, self._world.now)
        self._go_on()

    def sleep(self, seconds: float) -> None:
        """Be away for a while."""
        self._asleep_until = self._world.now + seconds
        if self.link is not None:
            self.link.leave(up=True)
            self._lose()

    # What it is told

    @property
    def waiting(self) -> int:
        """How many writes are neither done nor refused."""
        return self._sync.unanswered

    def stands(self, s: str) -> tuple[int, int] | None:
        """Return where the program is in a stream."""
        return self._sync.positions.get(wire.ME if s.startswith("me:") else s)

    def received(self, text: str) -> None:
        """Take a frame."""
        self._sync.frame_received(text, self._world.now)
        self._go_on()

    def closed(self) -> None:
        """Learn that the link is gone."""
        if self.link is not None and not self.link.is_open:
            self._lose()

    def go_on(self) -> None:
        """Do what is due."""
        self._alarm = None
        now = self._world.now
        if self.link is None:
            if (connect_at := self._connect_at()) is not None and now >= connect_at:
                self._open()
        elif self._sync.is_dead(now):
            self.link.leave(up=True)
            self._lose()
        else:
            self._sync.tick(now)
        self._go_on()

    def _connect_at(self) -> float | None:
        connect_at = self._sync.connect_at
        return None if connect_at is None else max(connect_at, self._asleep_until)

    def _open(self) -> None:
        self.link = self._connect(self)
        if self.link is None:
            self._sync.disconnected(None, "", self._world.now)
        else:
            self._sync.connected(self._world.now)

    def _lose(self) -> None:
        self.link = None
        self._sync.disconnected(None, "", self._world.now)
        self._go_on()

    def _go_on(self) -> None:
        for frame in self._sync.take_frames():
            if self.link is not None:
                self.link.send(frame, up=True)
        for news in self._sync.take_news():
            self._note(news)
        self._set_alarm()

    def _set_alarm(self) -> None:
        due = self._connect_at() if self._sync.state is State.AWAY else self._sync.due()
        if due is None or (self._alarm is not None and self._alarm <= due):
            return
        alarm = self._alarm = due
        # A moment that is over by rounding would come again and again.
        wait = max(0.001, due - self._world.now)
        self._world.after(wait, lambda: self._ring(alarm))

    def _ring(self, alarm: float) -> None:
        if self._alarm == alarm:
            self.go_on()

    def _note(self, news: News) -> None:
        match news:
            case Reset():
                s = self._name(news.stream)
                self._seen[s] = news.head
                self._world.history.append(Refilled(self.name, s, news.epoch, news.head))
            case Happened():
                entry = entry_of(news.event, self.user)
                self._seen[entry.s] = entry.q
                self._world.history.append(Shown(self.name, entry))
            case Stored():
                self._store(news)
            case Refused():
                self._outbox.pop(news.nonce, None)

    def _store(self, stored: Stored) -> None:
        send = self._outbox.pop(stored.nonce, None)
        if send is not None and isinstance(stored.answer, wire.SendOk):
            self._world.history.append(Acknowledged(self.user, stored.nonce, send.s, stored.answer.q))

    def _name(self, stream: str) -> str:
        return f"me:{self.user}" if stream == wire.ME else stream
