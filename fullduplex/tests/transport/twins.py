"""The same conversation on both builds, in one process: on the native engine, and on its definition.

A build is the whole library as the switch makes it; one of them is what the tests import, the other a
second copy of its modules.  A conversation is what a plain peer writes, piece by piece, each of which is
used up before the next, and what the program does about the messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import importlib
import logging
import select
import socket
import struct
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from fullduplex import kernels

HEAD = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
#: The same with an offer of permessage-deflate.
OFFERING_HEAD = HEAD[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
#: Turns of the loop without anything new after which nothing more is to come.
QUIET = 10
#: The same where bytes wait that nobody reads.
STUCK = 20


@dataclass(frozen=True)
class Build:
    """What tests need of one build of the library."""

    ClientConnection: Any
    WebSocketServer: Any
    broadcast: Any
    connect: Any
    serve: Any
    engine: Any


@functools.cache
def build(*, native: bool) -> Build:
    """Return one build of the library: the one that is in use, or a copy of its modules."""
    if kernels.NATIVE is native:
        return _import()
    names = [name for name in sys.modules if name.split(".")[0] == "fullduplex"]
    used = {name: sys.modules.pop(name) for name in names}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FULLDUPLEX_NATIVE", "1" if native else "0")
            return _import()
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "fullduplex"]:
            del sys.modules[name]
        sys.modules.update(used)


def _import() -> Build:
    return Build(
        importlib.import_module("fullduplex.aio.connection").ClientConnection,
        importlib.import_module("fullduplex.emitter").WebSocketServer,
        importlib.import_module("fullduplex.aio.broadcast").broadcast,
        importlib.import_module("fullduplex.aio.client").connect,
        importlib.import_module("fullduplex.aio.server").serve,
        importlib.import_module("fullduplex.transport.native").engine,
    )


@dataclass
class Outcome:
    """What came of a conversation."""

    #: What the program was told, in order.
    told: list[Any] = field(default_factory=list)
    #: What the peer got after the opening handshake.
    sent: bytearray = field(default_factory=bytearray)
    #: What was logged, and told to the loop's exception handler.
    logged: list[str] = field(default_factory=list)
    #: Whether the peer saw the end of the connection.
    is_over: bool = False

    @property
    def size(self) -> tuple[int, int, int, bool]:
        """How much there is: as long as it changes, there may be more to come."""
        return len(self.told), len(self.sent), len(self.logged), self.is_over

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        """The frames that the peer got: the first byte of each, and its payload."""
        return list(frames_of(bytes(self.sent)))

    @property
    def data_frames(self) -> list[tuple[int, bytes]]:
        """The frames of messages that the peer got."""
        return [frame for frame in self.frames if frame[0] & 0x0F < 8]

    @property
    def control_frames(self) -> list[tuple[int, bytes]]:
        """The other frames that the peer got."""
        return [frame for frame in self.frames if frame[0] & 0x0F >= 8]


def frames_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the frames that a server has sent; the last may lack its end."""
    at = 0
    while at + 2 <= len(data):
        first, length = data[at], data[at + 1]
        at += 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        yield first, data[at : at + length]
        at += length


class Notes(logging.Handler):
    """Notes what is logged, without what differs from run to run."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        """Note one record."""
        error = record.exc_info[1] if record.exc_info else None
        self.outcome.logged.append(f"{record.getMessage()} {error!r}")


class Peer:
    """A plain socket at the other end of a server's connection, without a WebSocket library."""

    def __init__(self, outcome: Outcome, address: Any, head: bytes = HEAD) -> None:
        self.outcome = outcome
        self.head = head
        self.sock = socket.socket(socket.AF_INET6 if len(address) == 4 else socket.AF_INET)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.sock.setblocking(False)
        self.address = address
        #: False as long as nothing is read.
        self.reads = True

    async def open(self) -> None:
        """Connect, and have the opening handshake done."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.sock, self.address)
        await loop.sock_sendall(self.sock, self.head)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await loop.sock_recv(self.sock, 1)

    async def write(self, data: bytes) -> bytes:
        """Write bytes, and wait until nothing comes of them any more; return those that nobody takes."""
        while data:
            try:
                data = data[self.sock.send(data) :]
            except BlockingIOError:
                before = self.outcome.size
                await self.settle()
                if self.outcome.size == before and not self._has_room():
                    return data
            except OSError:
                data = b""
        await self.settle()
        return data

    def _has_room(self) -> bool:
        return bool(select.select([], [self.sock], [], 0)[1])

    async def settle(self) -> None:
        """Let the loop go on until nothing new happens."""
        quiet, before = 0, None
        while quiet < (STUCK if self._has_unsent() else QUIET):
            await asyncio.sleep(0)
            self.read()
            now = self.outcome.size
            quiet, before = (quiet + 1 if now == before else 0), now

    def _has_unsent(self) -> bool:
        """Tell whether the other end's system hasn't taken everything yet."""
        with contextlib.suppress(OSError):
            count = struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
            return bool(count)
        return False

    def read(self) -> None:
        """Take what has come."""
        while self.reads and not self.outcome.is_over:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            self.outcome.sent += data
            self.outcome.is_over = not data


async def converse(
    used: Build, prepare: Any, writes: Sequence[bytes], options: Mapping[str, Any], head: bytes = HEAD
) -> Outcome:
    """Have one conversation with a server that ``prepare`` makes."""
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: outcome.logged.append(f"{context['message']} {context.get('exception')!r}")
    )
    # At DEBUG every frame is looked at, which the engine leaves to its definition.
    logger = logging.getLogger("twin")
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logger.handlers = [Notes(outcome)]
    async with prepare(used, outcome, logger, options) as address:
        peer = Peer(outcome, address, head)
        try:
            await peer.open()
            for data in writes:
                await peer.write(data)
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_WR)
            await peer.settle()
        finally:
            peer.sock.close()
    return outcome


#: What a listener does when the message of a number arrives.
Script = Mapping[int, str]


@contextlib.asynccontextmanager
async def events(
    script: Script, used: Build, outcome: Outcome, logger: logging.Logger, options: Mapping[str, Any]
) -> Any:
    """Serve with the event face, and tell what it emits."""
    server = used.WebSocketServer(host="127.0.0.1", port=0, logger=logger, ping_interval=None, **options)

    def connected(connection: Any, request: Any) -> None:
        def message(data: str | bytes, is_binary: bool) -> None:
            outcome.told.append(("message", data, is_binary))
            act(used, server, connection, script.get(len(outcome.told)), data)

        connection.on("message", message)
        for event in ("ping", "pong", "close"):
            connection.on(event, lambda *given, event=event: outcome.told.append((event, *given)))
        connection.on("error", lambda error: outcome.told.append(("error", repr(error))))

    server.on("connection", connected)
    async with server:
        yield server.address()


def act(used: Build, server: Any, connection: Any, action: str | None, data: str | bytes) -> None:
    """Do what a script says."""
    match action:
        case "send":
            connection.send(data)
            connection.send("more €")
        case "fragments":
            connection.send("first ", fin=False)
            connection.send("last")
            connection.send(data)
        case "ping":
            connection.ping(b"?")
        case "close":
            connection.close(4000, "enough")
        case "terminate":
            connection.terminate()
        case "pause":
            connection.pause()
            connection.loop.call_soon(connection.resume)
        case "raise":
            raise LookupError("by the script")
        case "broadcast":
            used.broadcast(server.clients, data)


@contextlib.asynccontextmanager
async def coroutines(
    handle: Any, used: Build, outcome: Outcome, logger: logging.Logger, options: Mapping[str, Any]
) -> Any:
    """Serve with the asyncio face: ``handle`` tells what it receives."""
    connections = []

    async def handler(connection: Any) -> None:
        connections.append(connection)
        await handle(connection, outcome.told)

    async with used.serve(
        handler, "127.0.0.1", 0, logger=logger, ping_interval=None, **{"compression": None, **options}
    ) as server:
        yield server.sockets[0].getsockname()
    outcome.told.extend(repr(connection.codec.close_exception) for connection in connections)


async def echoes(connection: Any, told: list[Any]) -> None:
    """Send every message back."""
    async for message in connection:
        told.append(message)
        # On the other build it may be closing already; what has arrived is received all the same.
        with contextlib.suppress(Exception):
            await connection.send(message)


async def cancels(connection: Any, told: list[Any]) -> None:
    """Receive, and change one's mind every other time, at different moments."""
    for number in range(1000):
        receiving = asyncio.ensure_future(connection.recv())
        for _ in range(number % 4):
            await asyncio.sleep(0)
        if number % 2:
            receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            told.append(await receiving)


async def streams(connection: Any, told: list[Any]) -> None:
    """Receive every other message in pieces, and every fourth of those not to its end."""
    for number in range(1000):
        if number % 2:
            told.append(await connection.recv())
            continue
        pieces = []
        async for piece in connection.recv_streaming():
            pieces.append(piece)
            if number % 8 == 6:
                break
        else:
            told.append(pieces[0][:0].join(pieces))


async def delays(connection: Any, told: list[Any]) -> None:
    """Take time over every message, so that they gather."""
    async for message in connection:
        for _ in range(3):
            await asyncio.sleep(0)
        told.append(message)
