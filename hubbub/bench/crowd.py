"""The load: many lean clients of `hubbub.v1` in one process, on the library's event face.

    crowd.py '{"does": "gather", "address": "ws://localhost:8000/v1/realtime", ...}'

It is told all of its task at once, says how it went as one line of JSON, and keeps its connections until it
is ended.  What is checked is checked in every run: that each write is answered by `ok`, and that nobody
misses an event, or hears one twice.

It knows nothing of how servers are started, nor what becomes of the figures.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import random
import secrets
import statistics
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from processes import processor_seconds
from town import EPOCH, Town, token

from fullduplex.emitter import WebSocket
from hubbub import wire

#: Seconds in which something must have come, if anything is to come.
PATIENCE = 200.0
#: What is said, after the time at which it was sent.
WORDS = "the quick brown fox jumps over the lazy dog, 敏捷的棕色狐狸"
#: How many things are to be done, however long that takes, before it is said how many a second are.
FEWEST = 10
#: How many connect at the same time, so that they find the server's queue for them empty enough.
AT_ONCE = 200

now = time.perf_counter


class Wrong(Exception):
    """The server did something else than it should; the sentence says what."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    `first` is the number of the first client, and `count` how many there are.  `cpu` are the processes whose
    processor time counts.
    """

    does: str
    address: str
    town: tuple[int, int, int]
    cpu: list[int] = []
    first: int = 0
    count: int = 1
    missed: int = 0
    senders: int = 1
    in_flight: int = 1
    rate: float = 0.0
    warm: float = 0.0
    seconds: float = 1.0
    timed: bool = False


class _Event(msgspec.Struct, tag_field="t", tag="ev"):
    s: str
    q: int
    d: msgspec.Raw


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


_Frame = _Event | _Ok | _Welcome | _Ping | _Ephemeral | _Bad | _Gap | _Bye
_one = msgspec.json.Decoder(_Frame)
_many = msgspec.json.Decoder(list[_Frame])
_posted = msgspec.json.Decoder(_Posted)


class Figures:
    """What is counted while clients work: things that were done, how long each took, and processor time.

    That is the server's, and this process's `own`, so that one sees which of the two had no more to give.

    Nothing counts before `begin`.
    """

    def __init__(self, cpu: Sequence[int]) -> None:
        self._cpu = cpu
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self.count, self.enough = 0, asyncio.Event()
        self.delays: list[float] = []
        self._begun = now()
        self._cpu_before, self._own_before = self._processor_seconds(), time.process_time()

    def add(self, delay: float | None) -> None:
        """Count something that was done, and how late it was if that is asked."""
        self.count += 1
        if delay is not None:
            self.delays.append(delay)
        if self.count == FEWEST:
            self.enough.set()

    def end(self) -> dict[str, Any]:
        """Return what it has come to since it began."""
        took = {
            "seconds": now() - self._begun,
            "cpu": self._processor_seconds() - self._cpu_before,
            "own": time.process_time() - self._own_before,
        }
        return {"count": self.count, **took, **percentiles(self.delays)}

    def fail(self, why: str) -> None:
        """Let the whole run fail; the first reason is the one."""
        if not self.failure.done():
            self.failure.set_exception(Wrong(why))

    async def unless_failed(self, work: Awaitable[object]) -> None:
        """Wait for something, but no longer than until something fails, or nothing goes on any more."""
        waiting = asyncio.ensure_future(work)
        either: set[asyncio.Future[Any]] = {waiting, self.failure}
        before = -1
        while not waiting.done():
            if self.count == before:
                raise Wrong(f"what was to come hasn't come in {PATIENCE:g} s")
            before = self.count
            await asyncio.wait(either, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if self.failure.done():
                await self.failure
        await waiting

    def _processor_seconds(self) -> float:
        return sum(map(processor_seconds, self._cpu))


def percentiles(delays: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile of seconds; nothing of nothing."""
    if len(delays) < 2:
        return {}
    cuts = statistics.quantiles(delays, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98]}


class Client:
    """One session: what it has of each of its streams, and the requests that wait for an answer."""

    def __init__(self, task: Task, person: int, figures: Figures) -> None:
        self.rooms = Town(*task.town).rooms_of(person)
        self.last = dict.fromkeys(self.rooms, 0)
        self.hears: list[str] = []
        self.caught_up = 0
        self.heard: Callable[[_Event], object] = self.follow
        self._person = person
        self._figures = figures
        self._requests = 0
        self._answers: dict[int, Callable[[_Ok], object]] = {}
        self._opened = asyncio.Event()
        self._ws = WebSocket(
            task.address,
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
                assert isinstance(event, _Event)
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

    def follow(self, event: _Event) -> None:
        """Take an event, which must be the next of its stream."""
        last = self.last.get(event.s)
        if last is None or event.q != last + 1:
            self._figures.fail(f"{event.s}: event {event.q} came after {last}")
        self.last[event.s] = event.q
        self._figures.heard.set()

    def _receive(self, data: str, _is_binary: bool) -> None:
        for frame in _many.decode(data) if data[0] == "[" else (_one.decode(data),):
            if type(frame) is _Event:
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


async def enter(
    task: Task, figures: Figures, *, rooms: Callable[[Client, int], Sequence[str]]
) -> list[Client]:
    """Let all clients in, so many at a time, each subscribed to some of its rooms."""
    gate = asyncio.Semaphore(AT_ONCE)
    clients = []

    async def come(number: int) -> None:
        async with gate:
            begun = now()
            client = Client(task, task.first + number, figures)
            clients.append(client)
            await client.open()
            await client.subscribe(rooms(client, number))
            figures.add(now() - begun)

    figures.begin()
    await figures.unless_failed(asyncio.gather(*map(come, range(task.count))))
    return clients


async def gather(task: Task, figures: Figures) -> dict[str, Any]:
    """Come with what one has, and get what one has missed; then stay."""
    clients = await enter(task, figures, rooms=lambda client, _: client.rooms)
    said = figures.end()
    events = sum(client.caught_up for client in clients)
    if events != task.missed * task.count:
        raise Wrong(f"{task.missed * task.count} events were missed, and {events} came")
    return said


async def say(task: Task, figures: Figures) -> dict[str, Any]:
    """Write once to each of the first rooms that each belongs to, as many as others are to miss."""
    clients = await enter(task, figures, rooms=lambda *_: ())
    senders = [Sender(client, client.rooms[: task.missed], 1, lambda _: None) for client in clients]
    figures.begin()
    for sender in senders:
        for _ in range(task.missed):
            sender.write(now())
    await figures.unless_failed(asyncio.gather(*(sender.stop() for sender in senders)))
    return figures.end()


async def post(task: Task, figures: Figures) -> dict[str, Any]:
    """Write to rooms, as fast as is answered or at a rate; each room is heard by one of those who write."""
    clients = await enter(task, figures, rooms=lambda client, number: client.rooms[number : number + 1])

    senders = [Sender(client, client.rooms, task.in_flight, figures.add) for client in clients]
    said = await write(task, figures, senders)
    await figures.unless_failed(until_heard(figures, clients, senders))
    return said


async def write(task: Task, figures: Figures, senders: Sequence[Sender]) -> dict[str, Any]:
    """Let them write, and return what came of it after the time of warming."""
    ticking = None
    if task.rate:
        ticking = asyncio.create_task(tick(senders, task.rate))
    else:
        for sender in senders:
            sender.go_on()
    await figures.unless_failed(asyncio.sleep(task.warm))
    figures.begin()
    await figures.unless_failed(asyncio.sleep(task.seconds))
    await figures.unless_failed(figures.enough.wait())
    said = figures.end()
    if ticking is not None:
        ticking.cancel()
    await figures.unless_failed(asyncio.gather(*(sender.stop() for sender in senders)))
    return said


async def tick(senders: Sequence[Sender], rate: float) -> None:
    """Let them write in turn, so many times a second, at moments that have no rhythm."""
    chance = random.Random(1)
    due = now()
    while True:
        for sender in senders:
            due += chance.expovariate(rate)
            if (wait := due - now()) > 0:
                await asyncio.sleep(wait)
            sender.write(due)


async def until_heard(figures: Figures, clients: Sequence[Client], senders: Sequence[Sender]) -> None:
    """Wait until everyone has heard all that was written where they listen."""
    written: Counter[str] = sum((sender.written for sender in senders), Counter())
    while any(client.last[room] != written[room] for client in clients for room in client.hears):
        figures.heard.clear()
        await figures.heard.wait()


async def deliver(task: Task, figures: Figures) -> dict[str, Any]:
    """Write to one room that everyone hears, and count what is heard; how late, if it is `timed`."""
    clients = await enter(task, figures, rooms=lambda client, _: client.rooms)
    for client in clients:
        client.heard = functools.partial(count_event, client, figures, timed=task.timed)
    if task.timed:
        # Whoever wrote it isn't another.
        for client in clients[: task.senders]:
            client.heard = client.follow
    senders = [
        Sender(client, client.rooms, task.in_flight, lambda _: None) for client in clients[: task.senders]
    ]
    said = await write(task, figures, senders)
    await figures.unless_failed(until_heard(figures, clients, senders))
    return said


def count_event(client: Client, figures: Figures, event: _Event, *, timed: bool) -> None:
    """Take an event, and count it."""
    client.follow(event)
    figures.add(now() - float(_posted.decode(event.d).text.partition(" ")[0]) if timed else None)


WORK = {"gather": gather, "say": say, "post": post, "deliver": deliver}


async def main(task: Task) -> None:
    """Do what is asked, say how it went, and stay; say what is wrong, and go."""
    figures = Figures(task.cpu)
    try:
        said = await WORK[task.does](task, figures)
        print(json.dumps(said), flush=True)
        await figures.failure
    except Wrong as wrong:
        print(wrong, file=sys.stderr, flush=True)
        # What is under way has nothing more to say.
        os._exit(1)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Task)))
