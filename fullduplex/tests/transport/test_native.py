"""Where the engine comes in: which transports it takes over, and what is left to their loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from fullduplex.transport import native
from fullduplex.transport.streams import StreamProtocol

from ..aio.certificate import contexts, make_certificate
from ..loops import LOOPS
from ..native import native_module
from . import twins
from .twins import build, converse, keyed_frames_of

native_module("fullduplex.transport.engine")

each_loop = pytest.mark.parametrize("loop", LOOPS)

TLS = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TLS:
    """Contexts for a server called localhost, and for a client that trusts it."""
    return contexts(make_certificate(tmp_path_factory.mktemp("tls")))


class Transport:
    """A transport of a loop, as far as it is asked whether it can be moved."""

    def __init__(self, connection: Any, *, is_closing: bool = False, waiting: int = 0, **known: Any) -> None:
        self.protocol = SimpleNamespace(connection=connection)
        self.known = known
        self.waiting = waiting
        self.closing = is_closing

    def get_protocol(self) -> Any:
        """Tell whose it is."""
        return self.protocol

    def get_extra_info(self, name: str) -> Any:
        """Tell what is known."""
        return self.known.get(name)

    def is_closing(self) -> bool:
        """Tell whether it is closing."""
        return self.closing

    def get_write_buffer_size(self) -> int:
        """Tell what waits."""
        return self.waiting


def test_natively_keeps_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the engine, a method is its definition itself."""

    def definition() -> None:
        """Do nothing."""

    engine = build(native=True).engine
    monkeypatch.setattr(native, "engine", None)
    assert native.natively("accelerate_send")(definition) is definition
    monkeypatch.setattr(native, "engine", engine)
    accelerated = native.natively("accelerate_send")(definition)
    assert accelerated is not definition
    assert (accelerated.__doc__, accelerated.__wrapped__) == (definition.__doc__, definition)


def test_missing_engine_is_told() -> None:
    """With FULLDUPLEX_NATIVE=1 nobody does without the engine unnoticed; otherwise asyncio takes over."""
    program = (
        "import sys; sys.modules['fullduplex.transport.engine'] = None\n"
        "try: import fullduplex.transport.native as native\n"
        "except ImportError as error: print(error)\n"
        "else: print(native.engine)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "FULLDUPLEX_NATIVE": switch},
        ).stdout
        for switch in ("1", "")
    ]

    assert said[0].startswith(
        "FULLDUPLEX_NATIVE is 1, and this fullduplex has no native part for this Python"
    )
    assert said[1] == "None\n"


def test_move_leaves_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has TLS, no stream socket, something to write, its end before it, or is another's stays."""
    monkeypatch.setattr(native, "engine", build(native=True).engine)
    connection: Any = object()
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        staying: list[Any] = [
            Transport(connection),
            Transport(connection, socket=datagrams),
            Transport(connection, socket=stream, sslcontext=object()),
            Transport(connection, socket=stream, is_closing=True),
            Transport(connection, socket=stream, waiting=1),
            Transport(None, socket=stream),
        ]
        for transport in staying:
            assert native.move(connection, transport, is_paused=False) is transport
        monkeypatch.setattr(native, "engine", None)
        plain: Any = Transport(connection, socket=stream)
        assert native.move(connection, plain, is_paused=False) is plain


async def open_by_loop(connection: Any, protocol: Any, **options: Any) -> None:
    """Give a connection a transport of its loop, as others than ``connect`` may."""
    await connection.loop.create_connection(
        lambda: StreamProtocol(connection), protocol.uri.host, protocol.uri.port
    )


@contextlib.asynccontextmanager
async def connected(**opener: Any) -> AsyncIterator[tuple[Any, Any]]:
    """Give a client's connection to an echo server of the native build, and the transport it began with."""
    used = build(native=True)
    first: list[Any] = []

    class Connection(used.ClientConnection):  # type: ignore[name-defined, misc]
        def connection_made(self, transport: Any) -> None:
            first.append(transport)
            super().connection_made(transport)

    async with used.serve(echo, "127.0.0.1", 0, compression=None) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        connecting = used.connect(address, compression=None, create_connection=Connection, proxy=None)
        async with await connecting._open(**opener) as connection:
            yield connection, first[0]


async def echo(connection: Any) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


def descriptors_of(sock: socket.socket) -> int:
    """Return how many descriptors the process has for a socket."""
    inode = os.fstat(sock.fileno()).st_ino
    count = 0
    for name in os.listdir("/proc/self/fd"):
        # The folder itself was open for a moment.
        with contextlib.suppress(OSError):
            count += os.fstat(int(name)).st_ino == inode
    return count


async def check_echo(connection: Any, size: int) -> None:
    """See that messages of a size come back."""
    for message in (bytes(size), "é" * (size // 2)):
        await connection.send(message)
        assert await connection.recv() == message


@each_loop
@pytest.mark.parametrize("size", [5, 1_000_000])
def test_client_begins_with_engine(loop: str, size: int) -> None:
    """A client's connection has no other transport than the engine's, from its request on, and one socket."""

    async def main() -> None:
        async with connected() as (connection, first):
            assert isinstance(first, build(native=True).engine.Transport)
            assert connection._transport is first
            await check_echo(connection, size)
            assert descriptors_of(connection.get_extra_info("socket")) == 1
        assert connection.close_code == 1000

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


@each_loop
def test_given_socket_is_used(loop: str) -> None:
    """A socket that the program has connected is the engine's, and closed at the end."""

    async def main() -> None:
        used = build(native=True)
        async with used.serve(echo, "127.0.0.1", 0, compression=None) as server:
            sock = socket.create_connection(server.sockets[0].getsockname())
            async with used.connect("ws://localhost/", sock=sock, compression=None) as connection:
                assert connection.get_extra_info("socket").fileno() == sock.fileno()
                assert connection.remote_address == server.sockets[0].getsockname()
                await check_echo(connection, 70_000)
        assert sock.fileno() == -1

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


def test_strange_socket_is_refused_alike() -> None:
    """What isn't a stream socket is refused by the loop, on both builds."""

    async def main(*, native: bool) -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(ValueError, match="Stream"):
            await build(native=native).connect("ws://localhost/", sock=sock)

    for native_build in (True, False):
        asyncio.run(main(native=native_build))


def test_descriptors_run_out_cleanly() -> None:
    """Where no descriptor is left to go on with, opening fails, and the loop's is closed."""

    async def main() -> None:
        used = build(native=True)
        async with used.serve(echo, "127.0.0.1", 0) as server:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "dup", _fail)
                with pytest.raises(OSError, match="too many"):
                    await used.connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", proxy=None)
            await asyncio.sleep(0)

    asyncio.run(main())


def _fail(descriptor: int) -> int:
    raise OSError(errno.EMFILE, "too many")


@each_loop
@pytest.mark.parametrize("client", [True, False])
@pytest.mark.parametrize("server", [True, False])
def test_builds_speak_tls(loop: str, tls: TLS, client: bool, server: bool) -> None:
    """Client and server of either build understand each other by TLS, small and large, and close properly."""

    async def main() -> None:
        async with (
            build(native=server).serve(echo, "127.0.0.1", 0, ssl=tls[0]) as serving,
            build(native=client).connect(
                f"wss://localhost:{serving.sockets[0].getsockname()[1]}/",
                ssl=tls[1],
                ssl_handshake_timeout=20,
                host="127.0.0.1",
                proxy=None,
            ) as connection,
        ):
            for size in (1, 60_000, 900_000):
                await check_echo(connection, size)
            assert connection.get_extra_info("ssl_object").server_hostname == "localhost"
            assert connection.get_extra_info("peercert")["subject"]
            assert connection.get_extra_info("cipher")
            assert connection.is_secure
            engine = build(native=True).engine
            assert isinstance(connection._transport, engine.Transport) is client
        assert connection.close_code == 1000

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


@each_loop
@pytest.mark.parametrize("talk", ["silence", "end", "reset", "plain"])
def test_tls_fails_alike(loop: str, tls: TLS, talk: str) -> None:
    """A server that doesn't come to TLS fails the opening by the same error on both builds."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if talk == "plain":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif talk == "reset":
            writer.transport.abort()
        elif talk == "silence":
            await reader.read()
        writer.close()

    async def main(*, native: bool) -> BaseException:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            connect = build(native=native).connect
            with pytest.raises(OSError) as caught:
                await connect(f"wss://127.0.0.1:{port}/", ssl=tls[1], proxy=None, ssl_handshake_timeout=0.05)
        return caught.value

    errors = []
    for native_build in (True, False):
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            errors.append(runner.run(main(native=native_build)))
    assert type(errors[0]) is type(errors[1])
    assert getattr(errors[0], "reason", None) == getattr(errors[1], "reason", None)
    if talk == "silence":
        assert str(errors[0]) == str(errors[1])


@each_loop
def test_cancelled_tls_leaves_nothing(loop: str, tls: TLS) -> None:
    """Who gives up while TLS begins leaves no socket open, and no connection in the engine."""

    async def main() -> None:
        used = build(native=True)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            port = listening.getsockname()[1]
            connecting = asyncio.ensure_future(
                _give(used.connect(f"wss://localhost:{port}/", host="127.0.0.1", ssl=tls[1], proxy=None))
            )
            peer, _ = await asyncio.get_running_loop().sock_accept(listening)
            with peer:
                assert await asyncio.get_running_loop().sock_recv(peer, 1) == b"\x16"
                connecting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await connecting
                while await asyncio.get_running_loop().sock_recv(peer, 65536):
                    """Read what TLS said."""

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


async def _give(connecting: Any) -> Any:
    return await connecting


@each_loop
def test_other_tls_is_the_loops(loop: str, tls: TLS) -> None:
    """With options that only a loop understands, it is the loop that speaks TLS."""

    async def main() -> None:
        used = build(native=True)
        async with (
            used.serve(echo, "127.0.0.1", 0, ssl=tls[0]) as server,
            used.connect(
                f"wss://localhost:{server.sockets[0].getsockname()[1]}/",
                host="127.0.0.1",
                ssl=tls[1],
                ssl_shutdown_timeout=5,
                proxy=None,
            ) as connection,
        ):
            assert not isinstance(connection._transport, used.engine.Transport)
            await check_echo(connection, 60_000)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


@each_loop
@pytest.mark.parametrize("size", [5, 1_000_000])
def test_client_is_moved(loop: str, size: int) -> None:
    """What began with a transport of the loop is read and written by the engine once it is open."""

    async def main() -> None:
        async with connected(open_transport=open_by_loop) as (connection, first):
            assert isinstance(connection._transport, build(native=True).engine.Transport)
            await check_echo(connection, size)
            assert connection.remote_address == first.get_extra_info("peername")
        assert connection.close_code == 1000
        assert first.is_closing()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


@each_loop
def test_open_connection_keeps_transport(loop: str) -> None:
    """Once messages were read natively, what is read can't be given to another protocol."""

    async def main() -> None:
        async with connected() as (connection, _):
            await connection.send("hello")
            assert await connection.recv() == "hello"
            transport = connection._transport
            with pytest.raises(RuntimeError, match="can't be given away"):
                transport.set_protocol(asyncio.Protocol())
            transport.set_protocol(transport.get_protocol())
            await connection.send("still here")
            assert await connection.recv() == "still here"

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


async def emits(used: Any, told: list[Any]) -> None:
    """Serve with the event face, and let a connection emit in its own way."""

    def connected(ws: Any, request: Any) -> None:
        ws.emit = lambda *event: told.append(event)

    async with used.WebSocketServer(host="127.0.0.1", port=0) as server:
        server.on("connection", connected)
        async with used.connect(f"ws://127.0.0.1:{server.address()[1]}/") as connection:
            await connection.send("hello")


async def receives(used: Any, told: list[Any]) -> None:
    """Serve with the asyncio face, and let a connection receive in its own way."""

    async def wait(connection: Any) -> None:
        connection.message_received = lambda data: told.append(("message", data, False))
        await connection.wait_closed()

    async with used.serve(wait, "127.0.0.1", 0) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with used.connect(address) as connection:
            await connection.send("hello")


@each_loop
@pytest.mark.parametrize("converse", [emits, receives])
def test_objects_may_override(converse: Any, loop: str) -> None:
    """What a connection does in place of its class, from before its first message on, is done."""
    told: list[Any] = []
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(converse(build(native=True), told))

    assert told[0] == ("message", "hello", False)


def test_subinterpreters_do_without() -> None:
    """A second interpreter of a process has the pure build, or is told that there is no other."""
    environment = {name: value for name, value in os.environ.items() if name != "FULLDUPLEX_NATIVE"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_INTERPRETERS], capture_output=True, text=True, check=True, env=environment
    )

    none, refusal = done.stdout.splitlines()
    assert none == "None"
    assert refusal.startswith(
        "FULLDUPLEX_NATIVE is 1, and this fullduplex has no native part for this Python"
    )


TWO_INTERPRETERS = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

import fullduplex.transport.native as native

def run(*lines):
    interpreters.run_string(interpreters.create(), "\\n".join(lines))

assert native.engine is not None
run("import fullduplex.transport.native as native", "print(native.engine, flush=True)")
run(
    "import os",
    "os.environ['FULLDUPLEX_NATIVE'] = '1'",
    "try: import fullduplex.kernels",
    "except ImportError as error: print(error, flush=True)",
)
"""


@each_loop
def test_client_masks_by_pool(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each frame has the next key of the pool, whoever writes it, and what was sent stays as it is."""
    pages = [os.urandom(4096) for _ in range(4)]
    payloads = [bytes(range(256)) * 300 + bytes(size) for size in range(9)]
    originals = [bytearray(payload) for payload in payloads]
    short = [bytes(number % 130) for number in range(1100)]

    async def handle(connection: Any, told: list[Any]) -> None:
        left = iter(pages)
        monkeypatch.setattr(os, "urandom", lambda size: next(left))
        for payload in (*short, *payloads):
            await connection.send(payload)
            await connection.send(bytearray(payload))
            await connection.send("é" * (len(payload) // 2))
        monkeypatch.undo()

    prepare = functools.partial(twins.client_coroutines, handle)
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        outcome = runner.run(converse(build(native=True), prepare, [], {}))

    frames = [(key, payload) for first, key, payload in keyed_frames_of(bytes(outcome.sent)) if first < 0x88]
    texts = ["é" * (len(payload) // 2) for payload in (*short, *payloads)]
    assert [payload for _, payload in frames[::3]] == [*short, *payloads]
    assert [payload for _, payload in frames[1::3]] == [*short, *payloads]
    assert [payload.decode() for _, payload in frames[2::3]] == texts
    assert b"".join(pages[:2]) in b"".join(key for key, _ in frames)
    assert payloads == originals


@each_loop
def test_end_below_ends_connection(loop: str) -> None:
    """Whoever closes the transport that the connection began with, ends the connection."""

    async def main() -> None:
        async with connected(open_transport=open_by_loop) as (connection, first):
            receiving = asyncio.ensure_future(connection.recv())
            await asyncio.sleep(0)
            first.abort()
            await connection.wait_closed()
            assert connection.close_code == 1006
            with pytest.raises(Exception, match="close"):
                await receiving

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
