"""Servers to attack, on both faces, and attackers that speak nothing but bytes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from fullduplex.aio.connection import ServerConnection
from fullduplex.aio.server import Server, serve
from fullduplex.close import Close
from fullduplex.emitter import ServerWebSocket, WebSocketServer

from ..protocol.wire import CLOSE, KEY, TEXT, Frame, frame, frames, upgrade_request

HOST = "127.0.0.1"
FACES = ("coroutines", "events")

#: Turns of the loop in which anything that is over has ended.
ENOUGH_TURNS = 100_000


@dataclass
class Target:
    """A server that echoes, and the last that its program was given."""

    server: Server[Any]
    received: Received
    _before: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self._before = remains()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    async def answers(self, *headers: tuple[str, str]) -> bool:
        """Tell whether a client like any other, with more headers, is served and let go."""
        async with attacker(self) as client:
            await client.open(*headers)
            await client.send(frame(TEXT, b"still there?", key=KEY))
            await client.hear(frame(TEXT, b"still there?"))
            await client.send(frame(CLOSE, b"\x03\xe8", key=KEY))
            return await client.told() == ([], 1000)

    async def is_clean(self) -> bool:
        """Tell whether nothing is left of all who came, once there was time to clean up."""
        with contextlib.suppress(TimeoutError):
            await until(self._is_as_before)
        return self._is_as_before()

    def _is_as_before(self) -> bool:
        return not self.server._open and not self.server._opening and no_more_than(self._before)


def remains() -> tuple[int, int]:
    """Return how many descriptors and tasks this process has."""
    return len(os.listdir("/dev/fd")), len(asyncio.all_tasks())


def no_more_than(before: tuple[int, int]) -> bool:
    """Tell whether no descriptor or task is left that wasn't there before."""
    return all(now <= then for now, then in zip(remains(), before, strict=True))


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until ``condition`` is met.

    Raises:
        TimeoutError: if that takes too many turns.
    """
    for _ in range(ENOUGH_TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    raise TimeoutError


@contextlib.asynccontextmanager
async def under_attack(
    face: str, *, headers: tuple[tuple[str, str], ...] = (), **options: Any
) -> AsyncIterator[Target]:
    """Serve echoes on a face; afterwards the server must answer, and nothing may be left of who came.

    The options are those of ``serve``, compression left out unless asked for;
    a good client sends ``headers`` as well.
    """
    async with serving(face, **options) as target:
        # What a first connection makes for all that follow isn't theirs.
        assert await target.answers(*headers)
        assert await target.is_clean()
        yield target
        assert await target.answers(*headers)
        assert await target.is_clean()


class Received(deque[str | bytes]):
    """The last messages, and how many there were."""

    total = 0

    def append(self, message: str | bytes) -> None:
        """Take a message."""
        self.total += 1
        super().append(message)


@contextlib.asynccontextmanager
async def serving(face: str, **options: Any) -> AsyncIterator[Target]:
    """Serve echoes on a face."""
    received = Received(maxlen=10)
    options.setdefault("compression", None)
    if face == "coroutines":

        async def echo(connection: ServerConnection) -> None:
            async for message in connection:
                received.append(message[:100])
                await connection.send(message)

        async with serve(options.pop("handler", echo), HOST, 0, **options) as server:
            yield Target(server, received)
    else:
        # Nothing waits to be received where it is given to listeners at once.
        options.pop("read_limit", None)
        options["perMessageDeflate"] = options.pop("compression") or False
        if "max_size" in options:
            options["maxPayload"] = options.pop("max_size")
        async with WebSocketServer(host=HOST, port=0, **options) as events:

            @events.on("connection")
            def connected(ws: ServerWebSocket, request: Any) -> None:
                ws.on("message", lambda message, _: (received.append(message[:100]), ws.send(message)))

            assert events._server is not None
            yield Target(events._server, received)


class Attacker:
    """A peer that sends what it is told and reads when it is told, by the system's calls alone."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._loop = asyncio.get_running_loop()
        #: Everything that the server has said so far.
        self.heard = b""

    async def send(self, *pieces: bytes) -> None:
        """Send each piece by itself, as far as the server takes them."""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                await self._loop.sock_sendall(self.sock, piece)
                await asyncio.sleep(0)

    async def hear(self, end: bytes) -> bytes:
        """Read until the server has said ``end``, and return all up to that, which is then forgotten."""
        while end not in self.heard:
            data = await self._loop.sock_recv(self.sock, 65_536)
            assert data, self.heard
            self.heard += data
        said, _, self.heard = self.heard.partition(end)
        return said + end

    async def hear_all(self) -> bytes:
        """Read until the server has ended, and return everything that wasn't read before."""
        with contextlib.suppress(ConnectionError):
            while data := await self._loop.sock_recv(self.sock, 65_536):
                self.heard += data
        return self.heard

    async def open(self, *more: tuple[str, str]) -> bytes:
        """Open a WebSocket connection with more headers, and return the response."""
        await self.send(upgrade_request(*more))
        return await self.hear(b"\r\n\r\n")

    async def told(self) -> tuple[list[Frame], int | None]:
        """Read to the end; return the frames, and the code of the Close frame that must be the last."""
        found = frames(await self.hear_all(), masked=False)
        if not found or found[-1].opcode != CLOSE:
            return found, None
        return found[:-1], Close.parse(found[-1].payload).code

    async def code_at_the_end(self) -> int:
        """Read to the end without keeping it, and return the code of the Close frame that must be there."""
        end = b""
        with contextlib.suppress(ConnectionError):
            while data := await self._loop.sock_recv(self.sock, 65_536):
                end = (end + data)[-127:]
        # A reason is text of ours, and has no such byte.
        return int.from_bytes(end.rpartition(b"\x88")[2][1:3], "big")

    def reset(self) -> None:
        """Break the connection without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@contextlib.asynccontextmanager
async def attacker(target: Target, *, window: int | None = None) -> AsyncIterator[Attacker]:
    """Connect to a target; ``window`` is how many bytes the system takes that aren't read."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        # Each piece goes out by itself, without waiting until the one before is acknowledged.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if window is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        await asyncio.get_running_loop().sock_connect(sock, (HOST, target.port))
        yield Attacker(sock)
