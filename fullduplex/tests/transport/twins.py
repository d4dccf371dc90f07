"""The same conversation on both builds, in one process: on the native engine, and on its definition.

A build is the whole library as the switch makes it; one of them is what the tests import, the other a
second copy of its modules.  A conversation is what a plain peer writes, piece by piece, each of which is
used up before the next, and what the program does about the messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib
import logging
import select
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from fullduplex import kernels
from fullduplex.kernels.pure import apply_mask
from fullduplex.protocol.handshake import accept_key

HEAD = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n\r\n"
)
#: Turns of the loop without anything new after which nothing more is to come.
QUIET = 10
#: The same where bytes wait that nobody reads.
STUCK = 20


@dataclass(frozen=True)
class Build:
    """What tests need of one build of the library."""

    BrowserWebSocket: Any
    ClientConnection: Any
    EventWebSocket: Any
    WebSocketServer: Any
    PerMessageDeflateFactory: Any
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
        importlib.import_module("fullduplex.browser").WebSocket,
        importlib.import_module("fullduplex.aio.connection").ClientConnection,
        importlib.import_module("fullduplex.emitter").WebSocket,
        importlib.import_module("fullduplex.emitter").WebSocketServer,
        importlib.import_module("fullduplex").PerMessageDeflateFactory,
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

    @property
    def answers(self) -> list[tuple[int, bytes]]:
        """The Close frame and the pongs that the peer got."""
        return [frame for frame in self.control_frames if frame[0] != 0x89]


def frames_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the frames that one side has sent, unmasked; the last may lack its end."""
    return ((first, payload) for first, _, payload in keyed_frames_of(data))


def keyed_frames_of(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The same with the masking key, which is empty if there is none, before the payload."""
    at = 0
    while at + 2 <= len(data):
        first, length, is_masked = data[at], data[at + 1] & 0x7F, data[at + 1] >= 0x80
        at += 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        key = b""
        if is_masked:
            key, at = data[at : at + 4], at + 4
        payload = data[at : at + length]
        yield first, key, apply_mask(payload, key) if len(key) == 4 else payload
        at += length


def check_alike(native: Outcome, pure: Outcome) -> None:
    """See that handlers have come to the same, as far as that may not depend on how much is read at once."""
    assert native.told == pure.told
    # What comes before an answer, and what before the end, does.
    both = min(len(native.data_frames), len(pure.data_frames))
    assert native.data_frames[:both] == pure.data_frames[:both]
    assert native.answers == pure.answers
    assert (native.logged, native.is_over) == (pure.logged, pure.is_over)


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
    """A plain socket at the other end of a connection, without a WebSocket library.

    With ``tls``, which is a client's context, what is written is cut anew after it is encrypted.
    """

    def __init__(
        self,
        outcome: Outcome,
        address: Any,
        *,
        extensions: str = "",
        tls: ssl.SSLContext | None = None,
        sock: socket.socket | None = None,
    ) -> None:
        self.outcome = outcome
        self.head = HEAD
        if extensions:
            self.head = HEAD[:-2] + f"Sec-WebSocket-Extensions: {extensions}\r\n\r\n".encode()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = tls and tls.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.sock = sock or socket.socket(socket.AF_INET6 if len(address) == 4 else socket.AF_INET)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.sock.setblocking(False)
        self.address = address
        #: False as long as nothing is read.
        self.reads = True

    async def open(self) -> None:
        """Connect, and have the opening handshake done."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.sock, self.address)
        if self.tls:
            await self._encrypt(self.tls.do_handshake)
            await self._encrypt(lambda: self.tls.write(self.head))
        else:
            await loop.sock_sendall(self.sock, self.head)
        head = b""
        while b"\r\n\r\n" not in head:
            head += await (
                self._encrypt(lambda: self.tls.read(4096)) if self.tls else loop.sock_recv(self.sock, 4096)
            )
        self.outcome.sent += head.partition(b"\r\n\r\n")[2]

    async def answer(self) -> None:
        """Have the opening handshake done with a client."""
        loop = asyncio.get_running_loop()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await loop.sock_recv(self.sock, 1)
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
        await loop.sock_sendall(self.sock, ANSWER % accept_key(key).encode())

    async def _encrypt(self, step: Callable[[], Any]) -> Any:
        """Do one step of TLS, with all that has to come and go for it."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await loop.sock_sendall(self.sock, self.outgoing.read())
                self.incoming.write(await loop.sock_recv(self.sock, 65536))
            finally:
                await loop.sock_sendall(self.sock, self.outgoing.read())

    async def act(self, step: bytes | str) -> None:
        """Write bytes, or do something else that a peer may do."""
        match step:
            case bytes():
                await self.write(step)
            case "shut":
                with contextlib.suppress(OSError):
                    self.sock.shutdown(socket.SHUT_WR)
            case "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.outcome.is_over = True
                self.sock.close()
            case "deaf" | "hear":
                self.reads = step == "hear"
        await self.settle()

    async def write(self, data: bytes) -> bytes:
        """Write bytes, and wait until nothing comes of them any more; return those that nobody takes."""
        if self.tls:
            with contextlib.suppress(ssl.SSLError):
                self.tls.write(data)
            data = self.outgoing.read()
            half = len(data) // 2
            return await self._write(data[:half]) + await self._write(data[half:])
        return await self._write(data)

    async def _write(self, data: bytes) -> bytes:
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
        # Windows has neither, nor the engine.
        import fcntl
        import termios

        with contextlib.suppress(OSError, ValueError):
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
            if self.tls:
                self._decrypt(data)
            else:
                self.outcome.sent += data
                self.outcome.is_over = not data

    def _decrypt(self, data: bytes) -> None:
        assert self.tls is not None
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        try:
            while data := self.tls.read(65536):
                self.outcome.sent += data
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError:
            pass
        # Whoever ends TLS waits for us to close.
        self.outcome.is_over = True
        self.sock.close()


class ServerPeer(Peer):
    """A plain socket at the other end of a client's connection, without a WebSocket library."""

    def __init__(self, outcome: Outcome, listening: socket.socket) -> None:
        self.outcome = outcome
        self.listening = listening
        self.tls = None
        self.reads = True

    async def open(self) -> None:
        """Accept a connection, and have the opening handshake done."""
        self.sock, _ = await asyncio.get_running_loop().sock_accept(self.listening)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        await self.answer()


async def converse(
    used: Build, prepare: Any, writes: Sequence[bytes | str], options: Mapping[str, Any], **peer_options: Any
) -> Outcome:
    """Have one conversation with a server that ``prepare`` makes, or a client that comes to its socket."""
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
    async with prepare(used, outcome, logger, options) as place:
        if isinstance(place, socket.socket):
            peer: Peer = ServerPeer(outcome, place)
        else:
            peer = Peer(outcome, place, **peer_options)
        try:
            await peer.open()
            for step in (*writes, "hear", "shut"):
                await peer.act(step)
        finally:
            peer.sock.close()
    return outcome


async def converse_as_client(
    used: Build, handle: Any, steps: Sequence[bytes | str], options: Mapping[str, Any]
) -> Outcome:
    """Have one conversation of a client with a plain server; ``handle`` tells what it receives."""
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: outcome.logged.append(f"{context['message']} {context.get('exception')!r}")
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        address = f"ws://127.0.0.1:{listening.getsockname()[1]}/"
        connecting = asyncio.ensure_future(
            _connect(used, address, {"compression": None, "ping_interval": None, "proxy": None, **options})
        )
        peer = Peer(outcome, (), sock=(await loop.sock_accept(listening))[0])
    try:
        await peer.answer()
        connection = await connecting
        handling = asyncio.ensure_future(handle(connection, outcome.told))
        for step in (*steps, "hear", "shut"):
            await peer.act(step)
        with contextlib.suppress(OSError):
            peer.sock.close()
        outcome.told += [repr(error) for error in await asyncio.gather(handling, return_exceptions=True)]
        await connection.wait_closed()
        outcome.told.append(repr(connection.codec.close_exception))
    finally:
        peer.sock.close()
    return outcome


async def _connect(used: Build, address: str, options: Mapping[str, Any]) -> Any:
    return await used.connect(address, **options)


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
            act(used, server, connection, script.get(len(outcome.told)), data, outcome.told)

        connection.on("message", message)
        for event in ("ping", "pong", "close"):
            connection.on(event, lambda *given, event=event: outcome.told.append((event, *given)))
        connection.on("error", lambda error: outcome.told.append(("error", repr(error))))

    server.on("connection", connected)
    async with server:
        yield server.address()


def act(
    used: Build, server: Any, connection: Any, action: str | None, data: str | bytes, told: list[Any]
) -> None:
    """Do what a script says."""
    match action:
        case "send":
            connection.send(data)
            connection.send("more €")
        case "fragments":
            connection.send("first ", fin=False)
            connection.send("last")
            connection.send(data)
        case "much":
            connection.send(bytes(1_000_000))
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
        case "listen":
            connection.on("message", lambda data, _: told.append(("more", data)))
        case "hear":
            server.on("message", lambda ws, data, _: told.append(("server", ws is connection, data)))
        case "leave":
            connection.removeAllListeners("message")
        case "collect":
            gc.collect()


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


@contextlib.asynccontextmanager
async def listening() -> Any:
    """Give a socket that a client connects to, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        yield sock, f"ws://127.0.0.1:{sock.getsockname()[1]}/"


@contextlib.asynccontextmanager
async def client_events(
    script: Script, used: Build, outcome: Outcome, logger: logging.Logger, options: Mapping[str, Any]
) -> Any:
    """Connect with the event face, and tell what it emits."""
    async with listening() as (sock, address):
        client = used.EventWebSocket(
            address, perMessageDeflate=False, logger=logger, ping_interval=None, **options
        )
        others = SimpleNamespace(clients={client})

        def message(data: str | bytes, is_binary: bool) -> None:
            outcome.told.append(("message", data, is_binary))
            act(used, others, client, script.get(len(outcome.told)), data, outcome.told)

        client.on("message", message)
        for event in ("open", "ping", "pong", "close"):
            client.on(event, lambda *given, event=event: outcome.told.append((event, *given)))
        client.on("error", lambda error: outcome.told.append(("error", repr(error))))
        yield sock
        await client.wait_closed()


@contextlib.asynccontextmanager
async def client_coroutines(
    handle: Any, used: Build, outcome: Outcome, logger: logging.Logger, options: Mapping[str, Any]
) -> Any:
    """Connect with the asyncio face: ``handle`` tells what it receives."""
    async with listening() as (sock, address):

        async def live() -> None:
            connect = used.connect(
                address, logger=logger, ping_interval=None, compression=None, proxy=None, **options
            )
            async with connect as connection:
                try:
                    await handle(connection, outcome.told)
                except Exception as error:
                    outcome.logged.append(repr(error))
            outcome.told.append(repr(connection.codec.close_exception))

        life = asyncio.create_task(live())
        yield sock
        await life


@contextlib.asynccontextmanager
async def client_browser(
    script: Script, used: Build, outcome: Outcome, logger: logging.Logger, options: Mapping[str, Any]
) -> Any:
    """Connect with the browser face, and tell which events there are."""
    async with listening() as (sock, address):
        client = used.BrowserWebSocket(address, compression=None, proxy=None, logger=logger, **options)

        def message(event: Any) -> None:
            outcome.told.append(("message", event.data))
            match script.get(len(outcome.told)):
                case "send" | "broadcast":
                    client.send(event.data)
                    client.send(bytearray(b"more"))
                    client.send("more €")
                case "close" | "terminate":
                    client.close(4000, "enough")
                case "raise":
                    raise LookupError("by the script")

        client.onmessage = message
        client.onopen = lambda event: outcome.told.append(("open", client.readyState))
        client.onerror = lambda event: outcome.told.append(("error", repr(event.error)))
        client.onclose = lambda event: outcome.told.append(
            ("close", event.wasClean, event.code, event.reason)
        )
        yield sock
        await client.aclose()


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


async def follow(script: Sequence[str], connection: Any, told: list[Any]) -> None:
    """Do what a script says, one thing after the other, and then receive what is left."""
    for action in script:
        try:
            await take_step(action, connection, told)
        except (ValueError, RuntimeError) as error:
            told.append(type(error).__name__)
    async for message in connection:
        told.append(message)  # noqa: PERF401 - the iteration may raise at its end


async def take_step(action: str, connection: Any, told: list[Any]) -> None:
    """Do one thing that a handler may do; who receives does so until there is a message."""
    match action:
        case "recv":
            told.append(await connection.recv())
        case "decode" | "encode":
            told.append(await connection.recv(decode=action == "decode"))
        case "next":
            told.append(await anext(connection))
        case "wait_for":
            try:
                told.append(await asyncio.wait_for(connection.recv(), 0))
            except TimeoutError:
                told.append(await connection.recv())
        case "time out":
            try:
                told.append(await timed_out(connection.recv()))
            except TimeoutError:
                told.append(await connection.recv())
        case "cancel":
            receiving = asyncio.ensure_future(connection.recv())
            await asyncio.sleep(0)
            receiving.cancel()
            try:
                told.append(await receiving)
            except asyncio.CancelledError:
                told.append(await connection.recv())
        case "shield":
            receiving = asyncio.ensure_future(connection.recv())
            waiting = asyncio.ensure_future(asyncio.wait({receiving}))
            await asyncio.sleep(0)
            waiting.cancel()
            told.append(await receiving)
        case "pieces":
            pieces = [piece async for piece in connection.recv_streaming()]
            told.append(pieces[0][:0].join(pieces))
        case "piece":
            async for _ in connection.recv_streaming():
                break
        case "send" | "fragments" | "ping":
            # Whether the connection is still open depends on how much is read at once.
            with contextlib.suppress(Exception):
                await send_step(action, connection)
        case "sleep":
            for _ in range(3):
                await asyncio.sleep(0)
        case "close":
            await connection.close(4000, "enough")
        case "raise":
            raise LookupError("by the script")


async def send_step(action: str, connection: Any) -> None:
    """Send as a script says."""
    match action:
        case "send":
            await connection.send("sent")
        case "fragments":
            await connection.send(["sent ", "in ", "parts"])
        case "ping":
            await connection.ping(b"?")


async def timed_out(receiving: Awaitable[Any]) -> Any:
    """Wait as long as a time-out of no time at all lets us."""
    async with asyncio.timeout(0):
        return await receiving


async def delays(connection: Any, told: list[Any]) -> None:
    """Take time over every message, so that they gather."""
    async for message in connection:
        for _ in range(3):
            await asyncio.sleep(0)
        told.append(message)
