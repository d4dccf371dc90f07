"""A network that fails: a TCP proxy, and what it does to the bytes on their way.

Knows connections, bytes and times, and nothing of what the bytes say.

Invariants:

1. What arrives in a direction arrives in its order and without holes: a direction that has lost something
   brings nothing any more.
2. From a direction that is held nothing is read, so that who sends finds that nobody takes it.
3. Whatever was begun ends with the network.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final
from urllib.parse import urlsplit

_SEGMENT: Final = 1_448
"""Bytes that travel, and are lost, together."""
_AHEAD: Final = 512
"""How many segments may be on their way."""
_RESENT_AFTER: Final = 0.2
"""Seconds after which TCP sends again what was lost; each time twice as many, ..."""
_LATEST: Final = 3.0
"""... but here no more than so many in all: where something follows, it is found to be lost sooner."""
_BACKLOG: Final = 4_096
_STEPS_PER_SECOND: Final = 20
_RESET: Final = struct.pack("ii", 1, 0)


class Side(Enum):
    """Whose end of a connection it is."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What becomes of the bytes of a direction.

    They take `delay` seconds; of segments the share `loss` has to be sent again, and what follows waits for
    it; `rate` bytes pass in a second; while `held` none do, and once `lost` they never arrive.
    """

    delay: float = 0.0
    loss: float = 0.0
    rate: float = math.inf
    held: bool = False
    lost: bool = False


CLEAR: Final = Conditions()
HELD: Final = Conditions(held=True)
LOST: Final = Conditions(lost=True)


class Network:
    """The way from clients to a server; `address` is where it begins.

    `up` is what becomes of what clients say, `down` of what the server says.
    """

    def __init__(self, server: tuple[str, int], seed: int = 0, window: int | None = None) -> None:
        self.address = ""
        self.window = window
        """Bytes that wait before it, of what the server says; None for as many as the system likes."""
        self.random = Random(seed)
        self.up = self.down = CLEAR
        self.carried = 0
        """How many connections there have been."""
        self._server = server
        self._reset_after = math.inf
        self._refuses = False
        self._passages: dict[_Passage, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    @property
    def open(self) -> int:
        """How many connections there are, of which at least one end lives."""
        return len(self._passages)

    def become(self, *, up: Conditions = CLEAR, down: Conditions = CLEAR) -> None:
        """Change what becomes of all that isn't read yet."""
        self.up, self.down = up, down
        self._changed.set()
        self._changed = asyncio.Event()

    def refuse(self, *, on: bool = True) -> None:
        """Reset whoever connects from now on, or no longer."""
        self._refuses = on

    def reset(self) -> None:
        """End every connection without a word, as by RST, at both ends."""
        for passage in self._passages:
            passage.end()

    def reset_after(self, size: float) -> None:
        """Reset each later connection when so many bytes have come from the server."""
        self._reset_after = size

    def forget(self, side: Side) -> None:
        """Reset the other end of every connection; this one hears of nothing, ever."""
        for passage in self._passages:
            passage.end(deceived=side)

    async def wait_free(self, side: Side) -> Conditions:
        """Wait until what this side says isn't held; return what becomes of it."""
        while (conditions := self.of(side)).held:
            await self._changed.wait()
        return conditions

    def of(self, side: Side) -> Conditions:
        """Return what becomes of what this side says."""
        return self.up if side is Side.CLIENT else self.down

    async def serve(self, listening: socket.socket) -> None:
        """Carry whatever comes until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                client, _ = await loop.sock_accept(listening)
                if self._refuses:
                    _close(client, reset=True)
                else:
                    self._begin(client)
        finally:
            tasks = list(self._passages.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, client: socket.socket) -> None:
        self.carried += 1
        passage = _Passage(self, client, self._server, self._reset_after)
        task = self._passages[passage] = asyncio.create_task(passage.run())
        task.add_done_callback(lambda _: self._passages.pop(passage, None))


class _Passage:
    """One connection through the network."""

    def __init__(
        self, network: Network, client: socket.socket, server: tuple[str, int], reset_after: float
    ) -> None:
        self._network = network
        self._server = server
        self._reset_after = reset_after
        self._ends = {Side.CLIENT: client}
        self._deceived: Side | None = None
        self._carrying: asyncio.Future[None] | None = None

    def end(self, *, deceived: Side | None = None) -> None:
        """End it abruptly, but for an end that isn't to hear of it."""
        if self._carrying is not None and not self._carrying.done():
            self._deceived = deceived
            self._carrying.cancel()

    async def run(self) -> None:
        """Carry both directions until both have come to their end."""
        reset = True
        try:
            reset = await self._carry()
            if self._deceived is not None:
                await self._deceive(self._deceived)
        finally:
            for end in self._ends.values():
                _close(end, reset=reset)

    async def _carry(self) -> bool:
        """Carry; return whether it was ended before its end."""
        self._carrying = carrying = asyncio.ensure_future(self._carry_both())
        try:
            await asyncio.wait([carrying])
        finally:
            if not carrying.done():
                carrying.cancel()
                await asyncio.wait([carrying])
        return carrying.cancelled() or carrying.exception() is not None

    async def _carry_both(self) -> None:
        loop = asyncio.get_running_loop()
        self._ends[Side.SERVER] = server = _make_socket()
        if self._network.window is not None:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._network.window)
        await loop.sock_connect(server, self._server)
        ways = [_Way(self, self._network, side) for side in Side]
        tasks = [asyncio.create_task(step) for way in ways for step in (way.read(), way.write())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _deceive(self, side: Side) -> None:
        for other, end in self._ends.items():
            if other is not side:
                _close(end, reset=True)
        with suppress(OSError):
            while await asyncio.get_running_loop().sock_recv(self._ends[side], 2**16):
                pass

    def source(self, side: Side) -> socket.socket:
        """Return the end of this side."""
        return self._ends[side]

    def target(self, side: Side) -> socket.socket:
        """Return the end of the other side."""
        return self._ends[Side.SERVER if side is Side.CLIENT else Side.CLIENT]

    def count(self, side: Side, size: int) -> None:
        """Count what has arrived."""
        if side is Side.SERVER:
            self._reset_after -= size
            if self._reset_after <= 0:
                self.end()


class _Way:
    """One direction of a connection: what this `side` says."""

    def __init__(self, passage: _Passage, network: Network, side: Side) -> None:
        self._passage = passage
        self._network = network
        self._side = side
        self._has_hole = False
        self._loop = asyncio.get_running_loop()
        self._travelling: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(_AHEAD)

    async def read(self) -> None:
        """Take what is said; nothing is said at the end."""
        segment: bytes | None = b"first"
        while segment:
            await self._network.wait_free(self._side)
            segment = await self._take()
            await self._travelling.put((self._loop.time() + self._lateness(), segment))
            if self._network.of(self._side).rate < math.inf:
                await self._travelling.join()

    async def _take(self) -> bytes | None:
        """Return what is said next; None at an end that nobody will hear of."""
        segment = b"lost"
        while segment:
            try:
                segment = await self._loop.sock_recv(self._passage.source(self._side), _SEGMENT)
            except OSError:
                if not await self._loses():
                    raise
                segment = b""
            if not await self._loses():
                return segment
        return None

    async def write(self) -> None:
        """Bring what was taken, when it is due."""
        segment: bytes | None = b"first"
        while segment:
            due, segment = await self._travelling.get()
            await asyncio.sleep(due - self._loop.time())
            if segment is not None:
                await self._bring(segment)
            self._travelling.task_done()

    async def _bring(self, segment: bytes) -> None:
        target, rest = self._passage.target(self._side), segment
        if not segment:
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
        while rest:
            rate = (await self._network.wait_free(self._side)).rate
            size = int(min(len(rest), max(1.0, rate / _STEPS_PER_SECOND)))
            await self._loop.sock_sendall(target, rest[:size])
            self._passage.count(self._side, size)
            rest = rest[size:]
            await asyncio.sleep(size / rate)

    async def _loses(self) -> bool:
        """Say whether what was said is lost, as is everything after it."""
        conditions = await self._network.wait_free(self._side)
        self._has_hole = self._has_hole or conditions.lost
        return self._has_hole

    def _lateness(self) -> float:
        conditions, again = self._network.of(self._side), _RESENT_AFTER
        lateness = conditions.delay
        while self._network.random.random() < conditions.loss:
            lateness += again
            again *= 2
        return min(lateness, conditions.delay + _LATEST)


def _make_socket() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _close(end: socket.socket, *, reset: bool) -> None:
    if reset and end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()


@asynccontextmanager
async def open_network(address: str, seed: int = 0, window: int | None = None) -> AsyncIterator[Network]:
    """Stand before a server as long as the context lasts; the address differs only in its port."""
    url = urlsplit(address)
    assert url.hostname
    assert url.port
    network = Network((url.hostname, url.port), seed, window)
    listening = _make_socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(_BACKLOG)
    network.address = url._replace(netloc=f"127.0.0.1:{listening.getsockname()[1]}").geturl()
    serving = asyncio.create_task(network.serve(listening))
    try:
        yield network
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        listening.close()
