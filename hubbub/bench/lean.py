"""A client of `hubbub.v1` that costs next to nothing, on the library's event face.

Of frames it reads no more than it needs.  What is checked is checked in every run: that each write is
answered by `ok`, and that nobody misses an event, or hears one twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from tally import PATIENCE, Figures, now
from town import EPOCH, Town, token

from fullduplex.emitter import WebSocket
from hubbub import wire

#: What is said, after the time at which it was sent.
WORDS = "the quick brown fox jumps over the lazy dog, 敏捷的棕色狐狸"


class Event(msgspec.Struct, tag_field="t", tag="ev"):
    """What has happened in a room."""

    s: str
    q: int
    d: msgspec.Raw

    def said_at(self) -> float:
        """Return when a message was sent: its text begins with that."""
        return float(_posted.decode(self.d).text.partition(" ")[0])


class _Ok(msgspec.Struct, tag_field="t", tag="ok"):
    id: int
    ev: list[msgspec.Raw] = []


class _Welcome(msgspec.Struct, tag_field="t", tag="welcome"):
    pass


class _Ping(msgspec.Struct, tag_field="t", tag="ping"):
    pass


class _Ephemeral(msgspec.Struct, tag_field="t", tag="eph"):
    pass


class _Bad(msgspec.Struct, tag_field="t", tag="err"):
    code: str = ""


class _Gap(msgspec.Struct, tag_field="t", tag="gap"):
    s: str


class _Bye(msgspec.Struct, tag_field="t", tag="bye"):
    why: str


class _Posted(msgspec.Struct):
    text: str


_Frame = Event | _Ok | _Welcome | _Ping | _Ephemeral | _Bad | _Gap | _Bye
_one = msgspec.json.Decoder(_Frame)
_many = msgspec.json.Decoder(list[_Frame])
_posted = msgspec.json.Decoder(_Posted)


class Client:
    """One session: what it has of each of its streams, and the requests that wait for an answer."""

    def __init__(self, address: str, town: Town, person: int, figures: Figures) -> None:
        self.rooms = town.rooms_of(person)
        self.last = dict.fromkeys(self.rooms, 0)
        self.hears: list[str] = []
        self.caught_up = 0
        self.heard: Callable[[Event], object] = self.follow
        self._person = person
        self._figures = figures
        self._requests = 0
        self._answers: dict[int, Callable[[_Ok], object]] = {}
        self._opened = asyncio.Event()
        self._ws = WebSocket(
            address,
            wire.SUBPROTOCOL,
            perMessageDeflate=False,
            ping_interval=None,
            handshakeTimeout=PATIENCE,
        )
        self._ws.on("message", self._receive)
        self._ws.on("close", lambda code, reason: figures.fail(f"closed: {code} {reason}".rstrip()))
        self._ws.on("error", lambda error: figures.fail(f"not opened: {error}"))

    async def open(self) -> None:
        """Sign in."""
        await self._ws.wait_open()
        at = {"me": [EPOCH, 0]} | {room: [EPOCH, q] for room, q in self.last.items()}
        program = {"name": "bench", "ver": "1"}
        self.tell(t="hello", client=program, token=token(self._person), feat=list(wire.FEATURES), at=at)
        await self._opened.wait()

    async def subscribe(self, rooms: Sequence[str]) -> None:
        """Subscribe to rooms, and wait until everything was given that was missed there."""
        waiting = len(rooms)
        done = asyncio.Event()

        def take(ok: _Ok) -> None:
            nonlocal waiting
            for each in ok.ev:
                event = _one.decode(each)
                assert isinstance(event, Event)
                self.follow(event)
                self.caught_up += 1
            waiting -= 1
            if not waiting:
                done.set()

        self.hears += rooms
        for room in rooms:
            self.ask(take, t="sub", s=room, at=[EPOCH, self.last[room]])
        if rooms:
            await done.wait()

    def ask(self, take: Callable[[_Ok], object], **fields: Any) -> None:
        """Send a request; `take` gets its answer."""
        self._requests += 1
        self._answers[self._requests] = take
        self.tell(id=self._requests, **fields)

    def tell(self, **fields: Any) -> None:
        """Send a frame."""
        self._ws.send(msgspec.json.encode(fields).decode())

    def follow(self, event: Event) -> None:
        """Take an event, which must be the next of its stream."""
        last = self.last.get(event.s)
        if last is None or event.q != last + 1:
            self._figures.fail(f"{event.s}: event {event.q} came after {last}")
        self.last[event.s] = event.q
        self._figures.heard.set()

    def _receive(self, data: str, _is_binary: bool) -> None:
        for frame in _many.decode(data) if data[0] == "[" else (_one.decode(data),):
            if type(frame) is Event:
                self.heard(frame)
            elif type(frame) is _Ok:
                self._answers.pop(frame.id)(frame)
            elif type(frame) is _Ping:
                self.tell(t="pong")
            elif type(frame) is _Welcome:
                self._opened.set()
            elif type(frame) is not _Ephemeral:
                self._figures.fail(f"a client was told: {frame}")


class Sender:
    """Who writes to rooms in turn: either when the last was answered, or when the clock says so.

    What waits because too much is under way was due when it was due: its delay begins there.
    """

    def __init__(self, client: Client, rooms: Sequence[str], in_flight: int, done: Callable[[float], object]):
        self.written: Counter[str] = Counter()
        self._client = client
        self._rooms = deque(rooms)
        self._in_flight = in_flight
        self._done = done
        self._nonces = (f"{secrets.token_urlsafe(9)}{number:07x}" for number in range(16**7))
        self._due: deque[float] = deque()
        self._under_way = 0
        self._is_endless = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def go_on(self) -> None:
        """Write as soon as less is under way than may be, until it is stopped."""
        self._is_endless = True
        self._send_what_may()

    def write(self, due: float) -> None:
        """Write once."""
        self._due.append(due)
        self._send_what_may()

    async def stop(self) -> None:
        """Write nothing more, and wait until everything is answered."""
        self._is_endless = False
        await self._is_idle.wait()

    def _send_what_may(self) -> None:
        while self._under_way < self._in_flight and (self._due or self._is_endless):
            self._send(self._due.popleft() if self._due else now())

    def _send(self, due: float) -> None:
        self._under_way += 1
        self._is_idle.clear()
        self._rooms.rotate(-1)
        self.written[self._rooms[0]] += 1

        def answered(_: _Ok) -> None:
            self._under_way -= 1
            self._done(now() - due)
            self._send_what_may()
            if not (self._under_way or self._due):
                self._is_idle.set()

        body = {"text": f"{due:.6f} {WORDS}"}
        self._client.ask(answered, t="send", s=self._rooms[0], n=next(self._nonces), d=body)
