"""serve: handshakes, handlers, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fullduplex.aio.client import connect
from fullduplex.aio.connection import ServerConnection
from fullduplex.aio.server import SERVER_HEADER, serve
from fullduplex.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidMessage,
    InvalidStatus,
    LocalProtocolError,
)
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.http11 import Response
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.states import State
from fullduplex.testing import connection_pair

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


async def test_taken_port_is_told() -> None:
    """It is the system's own error."""
    async with serve(echo, "localhost", 0) as server:
        with pytest.raises(OSError, match="address already in use"):
            await serve(echo, "localhost", port_of(server))


@pytest.mark.parametrize(
    "options", [{"ping_interval": 0}, {"write_limit": -1}, {"compression": "zip"}], ids=str
)
def test_bad_options_are_refused(options: Any) -> None:
    """Options without sense are told at once."""
    with pytest.raises(ValueError):
        serve(echo, "localhost", 0, **options)


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
    """For a peer that never reads, little more than the write limit waits, and the others are served."""
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

        assert deaf.buffered_amount < 60_000
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
@pytest.mark.parametrize("response", ["nonsense", 404, Response(200, "Bad\r\nPhrase")], ids=str)
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
        ({"select_subprotocol": lambda protocol, offered: offered[-1]}, ["a", "b"], "b"),
        ({"select_subprotocol": lambda protocol, offered: None}, ["a"], None),
    ],
)
async def test_subprotocol_is_chosen(options: Any, offered: list[str], expected: str | None) -> None:
    """The server's preference decides, or its function."""
    async with (
        serve(echo, "localhost", 0, **options) as server,
        connect(url_of(server), subprotocols=offered) as connection,
    ):
        assert connection.subprotocol == expected


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

        assert await reader.readexactly(3) == b"\x8a\x01?"
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


# The end.


async def test_close_tells_everyone() -> None:
    """Closing a server closes its connections with 1001; the block waits for that."""
    async with serve(idle, "localhost", 0) as server:
        connections = [await connect(url_of(server)) for _ in range(3)]
    for connection in connections:
        await connection.wait_closed()

    assert [connection.close_code for connection in connections] == [1001] * 3
    assert server.connections == set()


async def test_close_may_say_why() -> None:
    """Code and reason can be chosen, and only the first call counts."""
    server = await serve(idle, "localhost", 0)
    connection = await connect(url_of(server))
    server.close(code=1012, reason="back in a minute")
    server.close(code=4000)
    await asyncio.gather(server.wait_closed(), connection.wait_closed())

    assert (connection.close_code, connection.close_reason) == (1012, "back in a minute")


async def test_wrong_code_closes_nothing() -> None:
    """A code or reason that mustn't be sent is told to the caller, and the server goes on."""
    async with serve(echo, "localhost", 0) as server, connect(url_of(server)) as connection:
        with pytest.raises(LocalProtocolError):
            server.close(code=1006)
        with pytest.raises(LocalProtocolError):
            server.close(reason="x" * 124)
        await connection.send("still here")

        assert await connection.recv() == "still here"


async def test_connections_may_end_themselves() -> None:
    """With ``close_connections=False`` only listening ends; waiting goes on until the last one left."""
    server = await serve(echo, "localhost", 0)
    connection = await connect(url_of(server))
    server.close(close_connections=False)
    waiting = asyncio.create_task(server.wait_closed())
    await connection.send("still here")
    assert await connection.recv() == "still here"
    assert not waiting.done()
    with pytest.raises(OSError):
        await connect(f"ws://localhost:{connection.remote_address[1]}/")
    await connection.close()

    await waiting


async def test_wait_closed_waits_for_handlers() -> None:
    """A handler may finish its work after its connection is closed."""
    finish, finished = asyncio.Event(), []

    async def work(connection: ServerConnection) -> None:
        await connection.wait_closed()
        await finish.wait()
        finished.append(True)

    server = await serve(work, "localhost", 0)
    connection = await connect(url_of(server))
    server.close()
    waiting = [asyncio.create_task(server.wait_closed()) for _ in range(2)]
    await connection.wait_closed()
    assert not any(task.done() for task in waiting)
    waiting[0].cancel()
    finish.set()
    await waiting[1]

    assert finished == [True]


async def test_handshakes_get_503() -> None:
    """A handshake under way when the server closes is refused with 503, and its hook cancelled."""
    asked = asyncio.Event()

    async def never(connection: Any, request: Any) -> None:
        asked.set()
        await asyncio.get_running_loop().create_future()

    async with serve(echo, "localhost", 0, process_request=never) as server:
        connecting = asyncio.ensure_future(connect(url_of(server))._open())
        await asked.wait()
        server.close()
        with pytest.raises(InvalidStatus) as caught:
            await connecting

    assert caught.value.response.status_code == 503
    assert "Retry-After" in caught.value.response.headers
    assert server._tasks == set()


async def test_silent_clients_are_cut() -> None:
    """A client that hasn't asked for anything when the server closes is cut."""
    async with serve(echo, "localhost", 0) as server:
        reader, writer = await asyncio.open_connection("localhost", port_of(server))
        # It was accepted before the next one, which can't open any earlier.
        async with connect(url_of(server)):
            assert len(server._opening) == 1
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    await end(writer)

    assert server._opening == {}


@virtual
async def test_deaf_peers_are_cut() -> None:
    """A peer that takes nothing holds up the end for ``close_timeout`` and no longer; its handler is told."""
    told = asyncio.get_running_loop().create_future()

    async def flood(connection: ServerConnection) -> None:
        try:
            while True:
                await connection.send("x" * 10_000)
        except ConnectionClosedError as error:
            told.set_result(error)

    async with connection_pair(flood, compression=None, close_timeout=7, ping_interval=None) as pair:
        pair.to_client.stall()
        await asyncio.sleep(60)
        assert not told.done()
        begun = asyncio.get_running_loop().time()
        pair.server.server.close()
        await pair.server.server.wait_closed()

        assert asyncio.get_running_loop().time() - begun == pytest.approx(7)
        assert told.done()


async def test_wait_closed_waits_for_close() -> None:
    """Before close was called, it waits; cancelling that closes nothing."""
    async with serve(echo, "localhost", 0) as server:
        waiting = asyncio.create_task(server.wait_closed())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert server.is_serving()


async def test_serving_ends_by_cancelling() -> None:
    """``serve_forever`` closes everything when it is cancelled."""
    server = await serve(idle, "localhost", 0)
    connection = await connect(url_of(server))
    serving = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    await connection.wait_closed()

    assert connection.close_code == 1001
    assert not server.is_serving()


async def test_serving_ends_by_closing() -> None:
    """``serve_forever`` returns when the server was closed."""
    server = await serve(idle, "localhost", 0)
    async with connect(url_of(server)) as connection:
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        server.close()
        await serving
        await connection.wait_closed()


async def test_server_is_context_too() -> None:
    """A server that was awaited may be used as a context as well."""
    async with await serve(idle, "localhost", 0) as server, connect(url_of(server)):
        pass

    assert not server.is_serving()


# HTTP on the same port.


class Greeting(asyncio.Protocol):
    """Answers whatever it is asked."""

    def __init__(self) -> None:
        self.asked = b""

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self.asked += data
        self.transport.write(b"you said: " + data)
        self.transport.close()


class Handover:
    """Notes what it is asked for, and when."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def startup(self, create_protocol: Any) -> None:
        """Note it."""
        self.done.append("startup")

    def create_protocol(self) -> asyncio.Protocol:
        """Note it."""
        self.done.append("protocol")
        return Greeting()

    async def shutdown(self) -> None:
        """Note it."""
        self.done.append("shutdown")


async def test_http_is_handed_over() -> None:
    """What doesn't ask for a WebSocket goes to the other protocol with every byte; the rest stays ours."""
    handover = Handover()
    async with serve(echo, "localhost", 0, http=handover) as server:
        for said in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody", b"nonsense\r\n\r\n"):
            async with plain_client(server) as (reader, writer):
                writer.write(said[:10])
                await asyncio.sleep(0)
                writer.write(said[10:])
                assert await reader.read() == b"you said: " + said
        async with connect(url_of(server)) as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"

    assert handover.done == ["startup", "protocol", "protocol", "shutdown"]


async def test_failed_listening_shuts_http() -> None:
    """If the port is taken, what was started up is shut down again."""
    handover = Handover()
    async with serve(echo, "localhost", 0) as server:
        with pytest.raises(OSError):
            await serve(echo, "localhost", port_of(server), http=handover)

    assert handover.done == ["startup", "shutdown"]


async def test_late_connection_is_cut() -> None:
    """A connection that comes when the server is closed already is cut as soon as it is there."""
    async with serve(echo, "localhost", 0, open_timeout=None) as server:
        pass
    listener = await asyncio.get_running_loop().create_server(server.create_protocol, "localhost", 0)
    async with plain_client(listener) as (reader, _):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    listener.close()


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
