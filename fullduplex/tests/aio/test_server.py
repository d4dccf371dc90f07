"""serve: handshakes, handlers, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import re
import socket
import ssl
import time
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fullduplex.aio.client import connect
from fullduplex.aio.connection import ServerConnection
from fullduplex.aio.server import SERVER_HEADER, serve, unix_serve
from fullduplex.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidMessage,
    InvalidStatus,
    NegotiationError,
)
from fullduplex.kernels import frame_head
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Response
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.states import State

from ..native import TRANSPORT
from .certificate import make_certificate
from .ends import REQUEST, client_frame, echo, end, open_plainly, plain_client, port_of, url_of

virtual = pytest.mark.asyncio(loop_factories=["virtual"])

TLS = tuple[ssl.SSLContext, ssl.SSLContext]


async def idle(connection: ServerConnection) -> None:
    """Do nothing until the connection is closed."""
    await connection.wait_closed()


@contextlib.asynccontextmanager
async def status_of(server: Any, **options: Any) -> AsyncIterator[int]:
    """Connect, and give the response's status."""
    try:
        async with connect(url_of(server), **options) as connection:
            assert connection.response is not None
            yield connection.response.status_code
    except InvalidStatus as error:
        yield error.response.status_code


# Serving.


async def test_many_are_served() -> None:
    """A hundred connections at once each get their own messages back."""

    async def talk(number: int) -> list[Any]:
        async with connect(url_of(server)) as connection:
            for message in range(10):
                await connection.send(f"{number}:{message}")
            return [await connection.recv() for _ in range(10)]

    async with serve(echo, "localhost", 0) as server:
        received = await asyncio.gather(*(talk(number) for number in range(100)))

    assert received == [[f"{number}:{message}" for message in range(10)] for number in range(100)]


async def test_connections_are_known() -> None:
    """``connections`` has those that are open, and handlers know their server and request."""
    arrived: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def note(connection: ServerConnection) -> None:
        arrived.put_nowait(connection)
        await connection.wait_closed()

    async with serve(note, "localhost", 0) as server:
        assert server.connections == set()
        async with connect(url_of(server, "/a?b")), connect(url_of(server)):
            first, second = await arrived.get(), await arrived.get()
            assert {first.request.path, second.request.path} == {"/a?b", "/"}
            assert server.connections == {first, second}
            assert first.server is server
            assert first.remote_address[1] != first.local_address[1] == port_of(server)
        await asyncio.gather(first.wait_closed(), second.wait_closed())
        assert server.connections == set()


async def test_server_tells_its_sockets() -> None:
    """Where it listens is told while it does, and nothing listens afterwards."""
    server = await serve(echo, "localhost", 0)
    address = server.sockets[0].getsockname()[:2]
    assert server.is_serving()
    server.close()
    await server.wait_closed()

    assert not server.is_serving()
    assert server.sockets == ()
    with pytest.raises(OSError):
        await connect(f"ws://localhost:{address[1]}/")


async def test_sockets_may_be_given() -> None:
    """A socket that listens already is served."""
    sock = socket.create_server(("localhost", 0))
    async with serve(echo, sock=sock) as server, connect(url_of(server)) as connection:
        await connection.send("hello")
        assert await connection.recv() == "hello"


def loopbacks() -> dict[socket.AddressFamily, str]:
    """Return this machine's own address of each kind that it has."""
    found = {socket.AF_INET: "127.0.0.1"}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        found[socket.AF_INET6] = "::1"
    return found


async def test_several_hosts_are_served() -> None:
    """A sequence of hosts, of either kind of address, is listened on."""
    async with serve(echo, list(loopbacks().values()), 0) as server:
        families = {sock.family for sock in server.sockets}
        for sock in server.sockets:
            host, port = sock.getsockname()[:2]
            reader, writer = await asyncio.open_connection(host, port)
            assert (await open_plainly(reader, writer)).startswith(b"HTTP/1.1 101 ")
            await end(writer)

    assert families == loopbacks().keys()


async def test_every_interface_is_served() -> None:
    """Without a host, both kinds of addresses are listened on, where the system has them."""
    async with serve(echo, None, 0) as server:
        hosts = {sock.family: sock.getsockname()[0] for sock in server.sockets}

    anywhere = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
    assert hosts == {family: anywhere[family] for family in loopbacks()}


async def test_ports_may_be_shared() -> None:
    """With ``reuse_port``, several servers listen on one port, and either takes connections."""
    async with (
        serve(echo, "127.0.0.1", 0, reuse_port=True) as first,
        serve(echo, "127.0.0.1", port_of(first), reuse_port=True) as second,
    ):
        first.close()
        await first.wait_closed()
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(second))
        assert (await open_plainly(reader, writer)).startswith(b"HTTP/1.1 101 ")
        await end(writer)


@pytest.mark.parametrize("is_given", [False, True])
async def test_unix_sockets_are_served(tmp_path: Path, is_given: bool) -> None:
    """A server may listen on a path, or on a Unix socket that listens already."""
    path = tmp_path / "s"
    options: Any = {"path": path}
    if is_given:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
        options = {"sock": sock}
    arrived = asyncio.get_running_loop().create_future()

    async def note(connection: ServerConnection) -> None:
        arrived.set_result(connection)
        await echo(connection)

    async with unix_serve(note, **options) as server:
        assert [sock.getsockname() for sock in server.sockets] == [str(path)]
        reader, writer = await asyncio.open_unix_connection(path)
        assert (await open_plainly(reader, writer)).startswith(b"HTTP/1.1 101 ")
        writer.write(client_frame(Opcode.TEXT, b"hello"))
        assert await reader.readexactly(7) == b"\x81\x05hello"
        assert not (await arrived).remote_address
        assert (await arrived).transport_kind == TRANSPORT
        await end(writer)


async def test_transport_is_told(tls: TLS) -> None:
    """Both ends say what moves their bytes; to a server TLS makes no difference."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def note(connection: ServerConnection) -> None:
        arrived.put_nowait(connection.transport_kind)

    async with serve(note, "localhost", 0) as server, connect(url_of(server)) as connection:
        assert connection.transport_kind == await arrived.get() == TRANSPORT
    mine, theirs = tls
    async with (
        serve(note, "localhost", 0, ssl=mine) as server,
        connect(url_of(server, scheme="wss"), ssl=theirs),
    ):
        assert await arrived.get() == TRANSPORT


@pytest.mark.parametrize("options", [{}, {"path": "s", "sock": socket.socket}], ids=["neither", "both"])
def test_unix_socket_is_named_once(options: Any) -> None:
    """Without a path or a socket there is nothing to listen on, and with both it isn't clear which."""
    with pytest.raises(ValueError, match="path or sock"):
        unix_serve(echo, **options)


async def test_serving_may_begin_later() -> None:
    """With ``start_serving=False`` nobody is let in until the server is told to."""
    async with serve(echo, "localhost", 0, start_serving=False) as server:
        assert server.get_loop() is asyncio.get_running_loop()
        assert not server.is_serving()
        with pytest.raises(OSError):
            await connect(url_of(server))
        await server.start_serving()
        await server.start_serving()
        assert server.is_serving()
        async with connect(url_of(server)) as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"
    with pytest.raises(RuntimeError, match="closed"):
        await server.start_serving()


async def test_serve_forever_begins_serving() -> None:
    """``serve_forever`` begins with it, too."""
    async with serve(echo, "localhost", 0, start_serving=False) as server:
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        async with connect(url_of(server)):
            server.close()
            await serving
    await server.serve_forever()


async def test_connections_may_be_made_elsewhere() -> None:
    """``create_connection`` may be a subclass, or a function that makes one."""

    class Shouting(ServerConnection):
        async def send(self, message: Any, *arguments: Any, **options: Any) -> None:
            await super().send(message.upper(), *arguments, **options)

    def make(*arguments: Any) -> ServerConnection:
        return Shouting(*arguments)

    for create in (Shouting, make):
        async with (
            serve(echo, "localhost", 0, create_connection=create) as server,
            connect(url_of(server)) as connection,
        ):
            await connection.send("hello")
            assert await connection.recv() == "HELLO"


async def test_extensions_may_be_given() -> None:
    """Those given come before what ``compression`` stands for."""
    small = PerMessageDeflateFactory(server_max_window_bits=9)
    for options, expected in (
        ({"extensions": [small]}, "server_max_window_bits=9"),
        ({"extensions": [small], "compression": None}, "server_max_window_bits=9"),
        ({}, "server_max_window_bits=12"),
    ):
        async with (
            serve(echo, "localhost", 0, **options) as server,
            connect(url_of(server)) as connection,
        ):
            assert expected in connection.response.headers["Sec-WebSocket-Extensions"]


async def test_names_choose_certificates(tls: TLS, tmp_path: Path) -> None:
    """The TLS context's own callback may choose a certificate by the name that the client asks for."""
    chosen = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate = make_certificate(tmp_path)
    chosen.load_cert_chain(certificate)
    asked = []

    def choose(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        asked.append(name)
        connection.context = chosen

    default = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    default.sni_callback = choose
    trusting = ssl.create_default_context(cafile=certificate)
    async with (
        serve(echo, "localhost", 0, ssl=default) as server,
        connect(url_of(server, scheme="wss"), ssl=trusting) as connection,
    ):
        await connection.send("hello")
        assert await connection.recv() == "hello"
    assert asked == ["localhost"]


async def test_taken_port_is_told() -> None:
    """It is the system's own error."""
    async with serve(echo, "localhost", 0) as server:
        with pytest.raises(OSError, match="address already in use"):
            await serve(echo, "localhost", port_of(server))


@pytest.mark.parametrize(
    "options",
    [
        {"ping_interval": 0},
        {"write_limit": -1},
        {"compression": "zip"},
        {"subprotocols": ["a b"]},
        {"max_connections": 0},
    ],
    ids=str,
)
def test_bad_options_are_refused(options: Any) -> None:
    """Options without sense are told at once."""
    with pytest.raises(ValueError):
        serve(echo, "localhost", 0, **options)


def test_one_string_is_no_list() -> None:
    """A string of subprotocols would be taken letter by letter."""
    with pytest.raises(TypeError, match="list"):
        serve(echo, "localhost", 0, subprotocols="chat")


async def test_large_messages_pass(caplog: pytest.LogCaptureFixture) -> None:
    """Megabytes go there and back through real sockets."""
    text, binary = "发送数据" * 300_000, bytes(range(256)) * 20_000
    async with (
        serve(echo, "localhost", 0, max_size=None, compression=None) as server,
        connect(url_of(server), max_size=None) as connection,
    ):
        for message in (text, binary):
            await connection.send(message)
            assert await connection.recv() == message

    assert caplog.records == []


# Handlers.


async def test_handler_ends_connection() -> None:
    """When a handler returns, its connection is closed with 1000."""

    async def greet(connection: ServerConnection) -> None:
        await connection.send("hello and goodbye")

    async with serve(greet, "localhost", 0) as server, connect(url_of(server)) as connection:
        assert [message async for message in connection] == ["hello and goodbye"]
        assert connection.close_code == 1000


async def test_handler_needs_not_read() -> None:
    """It may return with its queue full: the closing handshake doesn't wait behind that."""
    seen = asyncio.Event()

    async def ignore(connection: ServerConnection) -> None:
        await seen.wait()

    async with serve(ignore, "localhost", 0, max_queue=2) as server, connect(url_of(server)) as connection:
        for _ in range(100):
            await connection.send("x" * 100)
        seen.set()
        await connection.wait_closed()

        assert connection.close_code == 1000


async def test_failed_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a handler is logged, and closes that connection with 1011, no other."""

    async def divide(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(str(1 // int(message)))

    async with (
        serve(divide, "localhost", 0) as server,
        connect(url_of(server)) as bad,
        connect(url_of(server)) as good,
    ):
        await bad.send("0")
        with pytest.raises(ConnectionClosedError) as caught:
            await bad.recv()
        assert caught.value.code == 1011
        await good.send("1")
        assert await good.recv() == "1"

    [record] = caplog.records
    assert (record.name, record.message) == ("fullduplex.server", "connection handler failed")
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_closed_connection_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that ends because its connection did isn't worth a warning."""
    ended = asyncio.Event()

    async def greet(connection: ServerConnection) -> None:
        with contextlib.suppress(AssertionError):
            try:
                await connection.recv()
            finally:
                ended.set()

    async with serve(greet, "localhost", 0) as server:
        connection = await connect(url_of(server))
        connection.abort()
        await ended.wait()

    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_logger_may_be_given(caplog: pytest.LogCaptureFixture) -> None:
    """Errors go to the program's own logger."""

    async def fail(connection: ServerConnection) -> None:
        raise RuntimeError

    logger = logging.getLogger("mine")
    async with serve(fail, "localhost", 0, logger=logger) as server, connect(url_of(server)) as connection:
        await connection.wait_closed()

    assert [record.name for record in caplog.records] == ["mine"]


async def test_lost_peer_is_told() -> None:
    """A peer that vanishes in the middle of a message is an error in the handler: 1006."""
    told = asyncio.get_running_loop().create_future()

    async def listen(connection: ServerConnection) -> None:
        received = []
        try:
            async for message in connection:
                received.append(message)  # noqa: PERF401 - the loop raises
        except ConnectionClosedError as error:
            told.set_result((received, error.received, connection.close_code))

    async with serve(listen, "localhost", 0) as server:
        async with plain_client(server) as (reader, writer):
            await open_plainly(reader, writer)
            writer.write(client_frame(Opcode.TEXT, b"whole") + client_frame(Opcode.TEXT, b"half" * 100)[:-1])

        assert await told == (["whole"], None, 1006)


async def test_deaf_peer_holds_little() -> None:
    """For a peer that never reads, twice the write limit and a message wait at most; others are served."""
    sent = 0
    blocked = asyncio.Event()

    async def flood(connection: ServerConnection) -> None:
        nonlocal sent
        if connection.request.path == "/echo":
            await echo(connection)
            return
        connection.writing_paused = blocked.set
        while True:
            await connection.send(b"x" * 10_000)
            sent += 1

    async with serve(flood, "localhost", 0, compression=None) as server, plain_client(server) as (_, writer):
        writer.transport.pause_reading()
        writer.write(REQUEST + b"\r\n")
        await blocked.wait()
        [deaf] = server.connections
        before = sent
        async with connect(url_of(server, "/echo")) as connection:
            for _ in range(100):
                await connection.send("hello")
                assert await connection.recv() == "hello"

        # What was under the limit, and what gathered until it was above it once more.
        assert deaf.buffered_amount < 2 * 32_768 + 10_014
        assert sent == before
        writer.transport.abort()


async def test_early_messages_are_kept() -> None:
    """What a client sends in one piece with its request is received, and answered after the response."""
    async with serve(echo, "localhost", 0) as server, plain_client(server) as (reader, writer):
        writer.write(
            REQUEST + b"\r\n" + client_frame(Opcode.TEXT, b"early") + client_frame(Opcode.CLOSE, b"")
        )
        response = await reader.read()

        assert response.startswith(b"HTTP/1.1 101 ")
        assert response.endswith(b"\r\n\r\n\x88\x00")


async def test_early_ping_is_answered() -> None:
    """So is a ping."""
    async with serve(echo, "localhost", 0) as server, plain_client(server) as (reader, writer):
        writer.write(
            REQUEST + b"\r\n" + client_frame(Opcode.PING, b"?") + client_frame(Opcode.TEXT, b"early")
        )
        await reader.readuntil(b"\r\n\r\n")

        assert await reader.readexactly(10) == b"\x8a\x01?\x81\x05early"


async def test_handler_may_close_itself() -> None:
    """A handler may close with a code of its own, and go on after it."""
    after = asyncio.get_running_loop().create_future()

    async def refuse(connection: ServerConnection) -> None:
        await connection.close(4001, "go away")
        try:
            await connection.send("too late")
        except ConnectionClosed as error:
            after.set_result(error.code)

    async with serve(refuse, "localhost", 0) as server, connect(url_of(server)) as connection:
        await connection.wait_closed()

        assert (connection.close_code, connection.close_reason) == (4001, "go away")
        assert await after == 4001


# Handshakes.


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("answer, expected", [(None, 101), (418, 418)])
async def test_requests_may_be_answered(answer: int | None, expected: int, is_async: bool) -> None:
    """``process_request``, a coroutine function or not, lets a request pass or answers it."""
    seen = []

    def process(connection: Any, request: Any) -> Response | None:
        seen.append((connection.state, request.path))
        return None if answer is None else connection.respond(answer, "no\n")

    async def process_later(connection: Any, request: Any) -> Response | None:
        await asyncio.sleep(0)
        return process(connection, request)

    process_request = process_later if is_async else process
    async with (
        serve(echo, "localhost", 0, process_request=process_request) as server,
        status_of(server) as status,
    ):
        assert status == expected
    assert seen == [(State.CONNECTING, "/")]


async def test_responses_may_be_pages() -> None:
    """``process_request`` may answer anything that HTTP can say; nothing is read after it."""

    def process(connection: Any, request: Any) -> Response | None:
        match request.path:
            case "/healthz":
                return connection.respond(200, "OK\n")
            case "/icon":
                return Response(200, "Fine", Headers({"Content-Type": "image/png"}), b"\x89PNG\r\n")
            case "/old":
                return Response(301, headers=Headers(Location="/new"))
        return None

    async with serve(echo, "localhost", 0, process_request=process) as server:
        for path, lines, body in (
            (b"/healthz", [b"HTTP/1.1 200 OK", b"Content-Length: 3"], b"OK\n"),
            (b"/icon", [b"HTTP/1.1 200 Fine", b"Content-Type: image/png"], b"\x89PNG\r\n"),
            (b"/old", [b"HTTP/1.1 301 Moved Permanently", b"Location: /new"], b""),
        ):
            async with plain_client(server) as (reader, writer):
                writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n")
                head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
                assert set(lines) <= set(head.split(b"\r\n"))
                assert rest == body
        async with status_of(server) as status:
            assert status == 101


async def test_hooks_may_accept() -> None:
    """A hook may have the protocol accept the request, and send its response itself."""

    def accept(connection: ServerConnection, request: Any) -> Response:
        response: Response = connection.protocol.accept(request)
        response.headers["X-Accepted-By"] = "hook"
        return response

    async with (
        serve(echo, "localhost", 0, process_request=accept) as server,
        connect(url_of(server)) as connection,
    ):
        assert connection.response.headers["X-Accepted-By"] == "hook"
        await connection.send("hello" * 1000)
        assert await connection.recv() == "hello" * 1000


async def test_requests_choose_handlers() -> None:
    """``process_request`` may note on the connection what its handler shall do."""

    async def whisper(connection: Any) -> None:
        await connection.send("shh")

    async def shout(connection: Any) -> None:
        await connection.send("HEY")

    routes = {"/whisper": whisper, "/shout": shout}

    def route(connection: Any, request: Any) -> Response | None:
        path = request.path.partition("?")[0]
        if path not in routes:
            return connection.respond(404, "Nothing here.\n")
        connection.handle = routes[path]
        return None

    async def handle(connection: Any) -> None:
        await connection.handle(connection)

    async with serve(handle, "localhost", 0, process_request=route) as server:
        for path, said in (("/whisper", "shh"), ("/shout?loud", "HEY")):
            async with connect(url_of(server, path)) as connection:
                assert await connection.recv() == said
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server, "/other"))

    assert caught.value.response.status_code == 404


async def test_acceptance_may_be_withdrawn() -> None:
    """``process_response`` may turn an acceptance into a refusal."""

    def replace(connection: Any, request: Any, response: Response) -> Response | None:
        assert response.status_code == 101
        return connection.respond(402, "Pay first.\n") if "poor" in request.path else None

    async with serve(echo, "localhost", 0, process_response=replace) as server:
        async with connect(url_of(server)):
            pass
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server, "/poor"))

    assert (caught.value.response.status_code, caught.value.response.body) == (402, b"Pay first.\n")


@pytest.mark.parametrize("hook", ["process_request", "process_response"])
@pytest.mark.parametrize("is_async", [False, True])
async def test_failing_hooks_are_logged(hook: str, is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A hook that raises is logged and answered with 500; nothing of it reaches the client."""

    def fail(*arguments: Any) -> None:
        raise RuntimeError("secret")

    async def fail_later(*arguments: Any) -> None:
        await asyncio.sleep(0)
        fail()

    async with serve(echo, "localhost", 0, **{hook: fail_later if is_async else fail}) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server))

    assert caught.value.response.status_code == 500
    assert b"secret" not in caught.value.response.body
    assert [record.message for record in caplog.records] == ["opening handshake failed"]


@pytest.mark.parametrize("hook", ["process_request", "process_response"])
@pytest.mark.parametrize(
    "response",
    ["nonsense", 404, Response(200, "Bad\r\nPhrase"), Response(99), Response(101, body=b"!")],
    ids=str,
)
async def test_wrong_responses_are_logged(hook: str, response: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What isn't a response, or would break the message apart, is answered with 500."""
    async with (
        serve(echo, "localhost", 0, **{hook: lambda *arguments: response}) as server,
        status_of(server) as status,
    ):
        assert status == 500

    assert len(caplog.records) == 1


@pytest.mark.parametrize("is_async", [False, True])
async def test_responses_may_be_changed(is_async: bool) -> None:
    """``process_response`` may change the response, or return another."""

    def add(connection: Any, request: Any, response: Response) -> None:
        response.headers["X-Served-By"] = "us"

    async def replace(connection: Any, request: Any, response: Response) -> Response:
        response = Response(101, headers=response.headers.copy())
        add(connection, request, response)
        return response

    async with (
        serve(echo, "localhost", 0, process_response=replace if is_async else add) as server,
        connect(url_of(server)) as connection,
    ):
        assert connection.response.headers["X-Served-By"] == "us"


async def test_server_header_has_default() -> None:
    """Server says who we are, what the program says, or nothing; a response's own goes before."""

    def own(connection: Any, request: Any) -> Response:
        response = connection.respond(404, "none\n")
        response.headers["Server"] = "own"
        return response

    for options, expected in (
        ({}, [SERVER_HEADER]),
        ({"server_header": "test"}, ["test"]),
        ({"server_header": None}, []),
        ({"process_request": own}, ["own"]),
    ):
        async with serve(echo, "localhost", 0, **options) as server:
            try:
                async with connect(url_of(server)) as connection:
                    response = connection.response
            except InvalidStatus as error:
                response = error.response

        assert response.headers.get_all("Server") == expected


@pytest.mark.parametrize(
    "origin, expected",
    [
        ("https://example.com", 101),
        ("https://a.example.org", 101),
        (None, 101),
        ("https://example.com.evil.org", 403),
        ("https://a.example.org.evil", 403),
        ("null", 403),
    ],
)
async def test_origins_are_checked(origin: str | None, expected: int) -> None:
    """Origins are accepted as whole values: strings, patterns, and None for none at all."""
    origins = ["https://example.com", re.compile(r"https://\w+\.example\.org"), None]
    async with (
        serve(echo, "localhost", 0, origins=origins) as server,
        status_of(server, origin=origin) as status,
    ):
        assert status == expected


async def test_absent_origin_is_a_choice() -> None:
    """Without None among the origins, a client must name one."""
    async with serve(echo, "localhost", 0, origins=["https://a.b"]) as server, status_of(server) as status:
        assert status == 403


@pytest.mark.parametrize(
    "options, offered, expected",
    [
        ({"subprotocols": ["b", "a"]}, ["a", "b"], "b"),
        ({}, ["a"], None),
        ({"select_subprotocol": lambda connection, offered: offered[-1]}, ["a", "b"], "b"),
        ({"select_subprotocol": lambda connection, offered: None}, ["a"], None),
    ],
)
async def test_subprotocol_is_chosen(options: Any, offered: list[str], expected: str | None) -> None:
    """The server's preference decides, or its function."""
    async with (
        serve(echo, "localhost", 0, **options) as server,
        connect(url_of(server), subprotocols=offered) as connection,
    ):
        assert connection.subprotocol == expected


async def test_selector_knows_its_connection() -> None:
    """``select_subprotocol`` is called with the handler's own connection, and may refuse with 400."""
    asked, arrived = [], []

    def select(connection: ServerConnection, offered: Any) -> str | None:
        asked.append((connection, list(offered)))
        if "room" not in connection.request.path:
            raise NegotiationError("no such room")
        return None

    async def note(connection: ServerConnection) -> None:
        arrived.append(connection)

    async with serve(note, "localhost", 0, select_subprotocol=select) as server:
        async with connect(url_of(server, "/room"), subprotocols=["a", "b"]) as connection:
            await connection.wait_closed()
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server, "/cellar"), subprotocols=["a"])

    assert asked[0] == (arrived[0], ["a", "b"])
    assert caught.value.response.status_code == 400
    assert b"no such room" in caught.value.response.body


async def test_failing_selector_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Any other exception in it is a mistake, logged and answered with 500."""

    def select(connection: Any, offered: Any) -> str | None:
        raise KeyError("secret")

    async with serve(echo, "localhost", 0, select_subprotocol=select) as server, status_of(server) as status:
        assert status == 500
    assert [record.message for record in caplog.records] == ["opening handshake failed"]


async def test_unknown_subprotocols_are_refused() -> None:
    """Who speaks none of the server's subprotocols isn't let in."""
    async with (
        serve(echo, "localhost", 0, subprotocols=["a"]) as server,
        status_of(server, subprotocols=["b"]) as status,
    ):
        assert status == 400


async def test_bad_requests_are_answered(caplog: pytest.LogCaptureFixture) -> None:
    """A request that isn't right is answered and ended, without a word in the log, and others are served."""
    async with serve(echo, "localhost", 0, limits=Limits(head=2000)) as server:
        for request, status in (
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
            (REQUEST.replace(b"GET", b"POST") + b"\r\n", 405),
            (REQUEST + b"X: " + b"y" * 2000 + b"\r\n\r\n", 431),
            (REQUEST.replace(b": 13", b": 8") + b"\r\n", 426),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
        ):
            async with plain_client(server) as (reader, writer):
                writer.write(request)
                assert (await reader.read()).startswith(b"HTTP/1.1 %d " % status)
        async with connect(url_of(server)) as connection:
            await connection.send("fine")
            assert await connection.recv() == "fine"

    assert caplog.records == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
        REQUEST + b"Sec-WebSocket-Protocol: other\r\n\r\n",
        REQUEST + b"Origin: https://evil.example\r\nCookie: a=b\r\n\r\n",
    ],
    ids=["no upgrade", "nonsense", "subprotocol", "origin"],
)
async def test_refused_leave_no_garbage(request_bytes: bytes) -> None:
    """A connection whose handshake was refused is gone with its transport, without the garbage collector."""
    kept: list[weakref.ref[ServerConnection]] = []

    def make(*arguments: Any) -> ServerConnection:
        connection = ServerConnection(*arguments)
        kept.append(weakref.ref(connection))
        return connection

    def select(connection: Any, offered: Any) -> str | None:
        try:
            return {"chat": "chat"}[offered[0]]
        except KeyError as error:
            raise NegotiationError("chat it must be") from error

    async with serve(echo, "localhost", 0, create_connection=make, select_subprotocol=select) as server:
        gc.collect()
        gc.disable()
        try:
            async with plain_client(server) as (reader, writer):
                writer.write(request_bytes)
                assert (await reader.read()).startswith(b"HTTP/1.1 4")
            while server._opening or server._tasks:
                server._ended.clear()
                await server._ended.wait()
            # The transport's own last callback.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert [reference() for reference in kept] == [None]
        finally:
            gc.enable()


# Keepalive.


@contextlib.asynccontextmanager
async def nimble_client(server: Any) -> AsyncIterator[socket.socket]:
    """Open a WebSocket connection on a socket that can be used while the loop is blocked."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, server.sockets[0].getsockname())
        await loop.sock_sendall(sock, REQUEST + b"\r\n")
        assert (await loop.sock_recv(sock, 4096)).endswith(b"\r\n\r\n")
        yield sock


def block(seconds: float) -> None:
    """Hold up the loop."""
    time.sleep(seconds)


async def test_blocked_loop_blames_nobody() -> None:
    """A pong that came while our own loop was blocked for longer than the time-out is read, not missed."""
    loop = asyncio.get_running_loop()
    async with (
        serve(idle, "127.0.0.1", 0, ping_interval=0.02, ping_timeout=0.02) as server,
        nimble_client(server) as sock,
    ):
        for _ in range(3):
            ping = await loop.sock_recv(sock, 6)
            assert ping[:2] == b"\x89\x04"
            sock.send(client_frame(Opcode.PONG, ping[2:]))
            block(0.06)
        assert len(server.connections) == 1
        [connection] = server.connections
        ping = await loop.sock_recv(sock, 6)
        assert ping[:2] == b"\x89\x04"
        assert connection.latency > 0


@virtual
async def test_unread_pong_counts() -> None:
    """A pong that comes in the very turn in which its peer is judged is read first."""
    loop = asyncio.get_running_loop()
    async with (
        serve(idle, "127.0.0.1", 0, ping_interval=20, ping_timeout=20) as server,
        nimble_client(server) as sock,
    ):
        ping = await loop.sock_recv(sock, 6)
        # In one turn with the judgement, and before it.
        loop.call_at(loop.time() + 20 - 5e-7, sock.send, client_frame(Opcode.PONG, ping[2:]))

        assert (await loop.sock_recv(sock, 6))[:2] == b"\x89\x04"
        assert loop.time() == pytest.approx(42)


async def test_blocked_loop_finds_the_dead() -> None:
    """A peer that has said nothing is dead all the same, whether our loop was blocked or not."""
    loop = asyncio.get_running_loop()
    async with (
        serve(idle, "127.0.0.1", 0, ping_interval=0.02, ping_timeout=0.02) as server,
        nimble_client(server) as sock,
    ):
        assert (await loop.sock_recv(sock, 6))[:2] == b"\x89\x04"
        block(0.06)

        assert await loop.sock_recv(sock, 100) == b"\x88\x18\x03\xf3keepalive ping timeout"


# Deadlines.


@virtual
async def test_slow_requests_are_cut() -> None:
    """Silent or dribbling, a client that hasn't opened by open_timeout is cut."""
    async with serve(echo, "localhost", 0, open_timeout=7) as server:
        async with plain_client(server) as (reader, writer):
            begun = asyncio.get_running_loop().time()
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            assert asyncio.get_running_loop().time() - begun == pytest.approx(7)
        async with plain_client(server) as (reader, writer):
            begun = asyncio.get_running_loop().time()
            for byte in REQUEST:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.1)
                if reader.at_eof() or reader.exception():
                    break
            assert asyncio.get_running_loop().time() - begun == pytest.approx(7, abs=0.3)
        assert server._opening == {}


@virtual
async def test_slow_hooks_are_cancelled() -> None:
    """A hook that takes longer than open_timeout is cancelled, and its connection cut."""
    cancelled = asyncio.get_running_loop().create_future()

    async def never(connection: Any, request: Any) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set_result(asyncio.get_running_loop().time())
            raise

    async with serve(echo, "localhost", 0, process_request=never, open_timeout=7) as server:
        begun = asyncio.get_running_loop().time()
        with pytest.raises((InvalidMessage, ConnectionError)):
            await connect(url_of(server))

        assert await cancelled - begun == pytest.approx(7)
        assert server._tasks == set()


async def test_stubborn_hooks_change_nothing() -> None:
    """A hook that won't be cancelled ends when it likes; its client is gone by then."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def stay(connection: Any, request: Any) -> None:
        asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        await release.wait()

    async with serve(echo, "localhost", 0, process_request=stay, open_timeout=0.05) as server:
        with pytest.raises((InvalidMessage, ConnectionError)):
            await connect(url_of(server))
        release.set()
    assert server.connections == set()


async def test_hooks_may_close_server() -> None:
    """A hook that closes the server has its own client refused."""

    def close(connection: ServerConnection, request: Any) -> None:
        connection.server.close()

    async with serve(echo, "localhost", 0, process_request=close) as server, status_of(server) as status:
        assert status == 503


@virtual
async def test_open_time_may_be_endless() -> None:
    """Without ``open_timeout``, a client may take its time."""
    async with (
        serve(echo, "localhost", 0, open_timeout=None) as server,
        plain_client(server) as (reader, writer),
    ):
        await asyncio.sleep(3600)

        assert (await open_plainly(reader, writer)).startswith(b"HTTP/1.1 101 ")


@virtual
async def test_open_connections_have_time() -> None:
    """Once open, a connection isn't held to open_timeout."""
    async with serve(echo, "localhost", 0, open_timeout=7) as server, connect(url_of(server)) as connection:
        await asyncio.sleep(60)
        await connection.send("still here")

        assert await connection.recv() == "still here"


async def test_flood_before_answer_waits() -> None:
    """What a client sends while its request is looked at isn't read before the answer."""
    asked, release = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def wait(connection: ServerConnection, request: Any) -> None:
        asked.set_result(connection)
        await release.wait()

    async with (
        serve(echo, "localhost", 0, process_request=wait, max_size=None) as server,
        plain_client(server) as (reader, writer),
    ):
        writer.write(REQUEST + b"\r\n")
        connection = await asked
        writer.write(client_frame(Opcode.BINARY, bytes(16_000_000)) + client_frame(Opcode.PING, b"?"))
        assert connection.is_reading_paused
        assert writer.transport.get_write_buffer_size() > 0
        release.set()
        await reader.readuntil(b"\r\n\r\n")

        assert await reader.readexactly(16_000_013) == (
            frame_head(0x82, 16_000_000) + bytes(16_000_000) + b"\x8a\x01?"
        )
        writer.transport.abort()


async def test_tls_deadline_holds(tls: TLS) -> None:
    """A client that doesn't begin TLS is cut as well, and the server ends without it."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    async with (
        serve(echo, "localhost", 0, ssl=tls[0], open_timeout=0.05) as server,
        plain_client(server) as (reader, _),
    ):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""


async def test_failed_tls_leaves_nothing(tls: TLS) -> None:
    """A client that speaks something else than TLS doesn't keep the server from ending."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    async with serve(echo, "localhost", 0, ssl=tls[0]) as server:
        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST + b"\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read()
        async with connect(url_of(server, scheme="wss"), ssl=tls[1]) as connection:
            await connection.send("fine")
            assert await connection.recv() == "fine"
