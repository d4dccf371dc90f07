"""connect: what it asks for, what it makes of the answer, and what it leaves behind when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from fullduplex.aio.client import USER_AGENT, connect
from fullduplex.aio.connection import ClientConnection
from fullduplex.aio.server import serve
from fullduplex.exceptions import (
    ConnectionClosedError,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    SecurityError,
)
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.states import State
from fullduplex.testing import connection_pair

from .ends import Talk, accept_plainly, echo, plain_server, port_of, url_of

virtual = pytest.mark.asyncio(loop_factories=["virtual"])

TLS = tuple[ssl.SSLContext, ssl.SSLContext]


async def test_block_closes_connection() -> None:
    """``async with`` opens, and closes with code 1000 at the end; 1011 after an exception."""
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def note(connection: Any) -> None:
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    async with serve(note, "localhost", 0) as server:
        async with connect(url_of(server)) as connection:
            assert connection.state is State.OPEN
        assert connection.state is State.CLOSED
        with pytest.raises(ZeroDivisionError):
            async with connect(url_of(server)):
                raise ZeroDivisionError

        assert [await codes.get(), await codes.get()] == [1000, 1011]


async def test_await_leaves_it_open() -> None:
    """Awaiting opens, and leaves the closing to the program; one object may open many."""
    async with serve(echo, "localhost", 0) as server:
        connecting = connect(url_of(server))
        connections = [await connecting, await connecting]
        for connection in connections:
            await connection.send("hello")
            assert await connection.recv() == "hello"
            await connection.close()
        assert connections[0] is not connections[1]


@virtual
async def test_request_says_what_was_asked() -> None:
    """Each option has its place in the request."""
    client = {
        "origin": "https://example.com",
        "subprotocols": ["b", "a"],
        "additional_headers": {"X-Room": "lobby", "Cookie": "a=b"},
        "user_agent_header": "test/1",
    }
    server = {"subprotocols": ["a"], "origins": ["https://example.com"]}
    uri = "ws://user:p%40ss@Example.com:8765/a%20b?x=大厅"
    async with connection_pair(uri=uri, client=client, server=server) as pair:
        request = pair.server.request

        assert request.path == "/a%20b?x=%E5%A4%A7%E5%8E%85"
        assert request.headers["Host"] == "example.com:8765"
        assert request.headers["Authorization"] == "Basic dXNlcjpwQHNz"
        assert request.headers["Origin"] == "https://example.com"
        assert request.headers["Sec-WebSocket-Protocol"] == "b, a"
        assert request.headers["X-Room"] == "lobby"
        assert request.headers["User-Agent"] == "test/1"
        assert pair.client.subprotocol == pair.server.subprotocol == "a"


@virtual
async def test_user_agent_has_default() -> None:
    """Who says nothing about User-Agent says who we are; None says nothing; a header goes before."""
    for options, expected in (
        ({}, [USER_AGENT]),
        ({"user_agent_header": None}, []),
        ({"additional_headers": [("user-agent", "mine")]}, ["mine"]),
    ):
        async with connection_pair(client=options) as pair:
            assert pair.server.request.headers.get_all("User-Agent") == expected


@virtual
@pytest.mark.parametrize(
    "offered, accepted, expected",
    [
        ("deflate", "deflate", True),
        (None, "deflate", False),
        ("deflate", None, False),
        (PerMessageDeflateFactory(level=9), "deflate", True),
        (PerMessageDeflateFactory(server_no_context_takeover=True), "deflate", True),
    ],
)
async def test_compression_is_agreed(offered: Any, accepted: Any, expected: bool) -> None:
    """Messages are compressed if both ends want it."""
    client, server = {"compression": offered}, {"compression": accepted}
    async with connection_pair(echo, client=client, server=server) as pair:
        for _ in range(3):
            taken = pair.client.bytes_taken
            await pair.client.send("x" * 1000)
            assert await pair.client.recv() == "x" * 1000
            assert (pair.client.bytes_taken - taken < 100) is expected

        assert ("Sec-WebSocket-Extensions" in pair.client.response.headers) is expected


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost/",
        "localhost",
        "ws://",
        "ws://localhost/#part",
        "ws://local host/",
        "ws://h:0/",
        "ws://localhost/ HTTP/1.1\r\nEvil: yes\r\n",
        "ws://localhost\r\nEvil: yes/",
    ],
)
async def test_bad_addresses_are_refused(uri: str) -> None:
    """What isn't a WebSocket address is told before anything is opened."""
    with pytest.raises(InvalidURI):
        await connect(uri)


@pytest.mark.parametrize(
    "options",
    [
        {"additional_headers": {"X": "a\r\nEvil: yes"}},
        {"additional_headers": {"a b": "c"}},
        {"origin": "null\n"},
        {"user_agent_header": "\x00"},
        {"subprotocols": ["a b"]},
        {"subprotocols": ["a\r\nEvil: yes"]},
        {"subprotocols": ["a", "a"]},
        {"compression": "gzip"},
    ],
    ids=str,
)
async def test_injections_are_refused(options: Any) -> None:
    """Nothing that would break the request apart is sent."""
    with pytest.raises(ValueError):
        await connect("ws://localhost:1/", **options)


async def test_bad_options_are_refused() -> None:
    """Options without sense are told at once."""
    with pytest.raises(ValueError, match="write_limit"):
        connect("ws://localhost/", write_limit=0)
    with pytest.raises(ValueError, match="ssl is for wss"):
        await connect("ws://localhost:1/", ssl=ssl.create_default_context())


async def test_absent_server_is_told() -> None:
    """Where nobody listens, it is the system's own error."""
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]

    with pytest.raises(OSError, match=f"{port}|refused"):
        await connect(f"ws://localhost:{port}/")


async def test_refusal_has_its_response() -> None:
    """A status other than 101 comes as an exception with status, headers and body."""

    def refuse(connection: Any, request: Any) -> Any:
        response = connection.respond(429, "慢一点\n")
        response.headers["Retry-After"] = "60"
        return response

    async with serve(echo, "localhost", 0, process_request=refuse) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server))

        response = caught.value.response
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "60"
        assert response.body == "慢一点\n".encode()


def answers(head: bytes) -> Talk:
    """Return a server that gives this answer to whatever it is asked."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    return talk


ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    "head, kind",
    [
        (b"", InvalidMessage),
        (b"HTTP/1.1 101 Switching", InvalidMessage),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", InvalidMessage),
        (b"HTTP/1.1 101 OK\r\nBad Header: x\r\n\r\n", InvalidMessage),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", InvalidStatus),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", InvalidStatus),
        (b"HTTP/1.1 101 OK\r\n\r\n", InvalidUpgrade),
        (ACCEPTED + b"\r\n", InvalidHeader),
        (ACCEPTED + b"Sec-WebSocket-Accept: wrong\r\n\r\n", InvalidHeader),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000, InvalidMessage),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000, InvalidMessage),
    ],
    ids=range(11),
)
async def test_bad_answers_fail(head: bytes, kind: type[Exception]) -> None:
    """Whatever isn't a right answer is an exception that says what is wrong (4.1)."""
    async with plain_server(answers(head)) as server:
        with pytest.raises(kind) as caught:
            await connect(url_of(server))

        assert isinstance(caught.value, InvalidHandshake)


@pytest.mark.parametrize(
    "header",
    [
        b"Sec-WebSocket-Protocol: unasked\r\n",
        b"Sec-WebSocket-Extensions: unasked\r\n",
        b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n",
    ],
)
async def test_unasked_agreements_fail(header: bytes) -> None:
    """A subprotocol or extension that wasn't offered fails the handshake (4.1)."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader, header))
        await reader.read()

    async with plain_server(talk) as server:
        with pytest.raises(NegotiationError):
            await connect(url_of(server), subprotocols=["asked"])


async def test_early_messages_are_kept() -> None:
    """What comes in one piece with the response is received."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader) + b"\x81\x05early\x89\x01?\x88\x02\x03\xe8")
        await reader.read(1)

    async with plain_server(talk) as server, connect(url_of(server)) as connection:
        assert [message async for message in connection] == ["early"]


async def test_masked_frames_fail() -> None:
    """A server that masks is told so, and lost (5.1)."""
    said = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader) + b"\x81\x80\x00\x00\x00\x00")
        said.set_result(await reader.read())

    async with plain_server(talk) as server:
        connection = await connect(url_of(server))
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.recv()

        assert caught.value.sent is not None
        assert caught.value.sent.code == 1002
        assert (await said)[:2] == b"\x88\x9b"


@virtual
async def test_silent_server_times_out() -> None:
    """A server that doesn't answer within open_timeout is given up, and its connection closed."""
    ended = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        ended.set_result(await reader.read())

    async with plain_server(talk) as server:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError, match=r"no connection to ws://localhost:\d+/ within 7 seconds"):
            await connect(url_of(server), open_timeout=7)

        assert asyncio.get_running_loop().time() - begun == pytest.approx(7)
        assert await ended == b""


async def test_systems_timeout_is_its_own() -> None:
    """A time-out of the system, sooner than ours, is told as it is."""

    async def time_out(*_: object, **__: object) -> None:
        raise TimeoutError(errno.ETIMEDOUT, "by the system")

    with pytest.raises(TimeoutError, match="by the system"):
        await connect("ws://localhost/")._open(time_out)


@virtual
async def test_dribbling_server_times_out() -> None:
    """An answer that never ends doesn't put the time-out off."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 101 OK\r\n")
        while True:
            writer.write(b"X: y\r\n")
            await asyncio.sleep(1)

    async with plain_server(talk) as server:
        with pytest.raises(TimeoutError):
            await connect(url_of(server), open_timeout=7)


async def test_endless_body_is_cut() -> None:
    """Of a refusal's body no more is read than the limit, however much comes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()

    async with plain_server(talk) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server), limits=Limits(body=2500))

        assert caught.value.response.body == b"x" * 2500  # type: ignore[attr-defined]


async def test_cancelled_connect_closes() -> None:
    """Who stops waiting for a connection leaves none behind."""
    asked, ended = (asyncio.get_running_loop().create_future() for _ in range(2))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result(await reader.readuntil(b"\r\n\r\n"))
        ended.set_result(await reader.read())

    async def wait_for_ever() -> None:
        await connect(url_of(server), open_timeout=None)

    async with plain_server(talk) as server:
        connecting = asyncio.create_task(wait_for_ever())
        await asked
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting

        assert await ended == b""


async def test_host_and_port_may_differ() -> None:
    """One may connect elsewhere than the address says, which the request still names."""
    requests = []

    async def note(connection: Any) -> None:
        requests.append(connection.request)

    async with serve(note, "localhost", 0) as server:
        uri = "ws://chat.example/room"
        async with connect(uri, host="localhost", port=port_of(server)) as connection:
            await connection.wait_closed()
        with socket.create_connection(server.sockets[0].getsockname()[:2]) as sock:
            sock.setblocking(False)
            async with connect(uri, sock=sock) as connection:
                await connection.wait_closed()

        assert [request.headers["Host"] for request in requests] == ["chat.example"] * 2


async def test_own_class_is_made() -> None:
    """``create_connection`` makes the connection, which may show more."""

    class Noting(ClientConnection):
        pinged = b""

        def ping_received(self, data: bytes) -> None:
            self.pinged = data

    async def ping(connection: Any) -> None:
        await (await connection.ping(b"seen"))

    async with serve(ping, "localhost", 0) as server:
        async with connect(url_of(server), create_connection=Noting) as connection:
            await connection.wait_closed()

        assert isinstance(connection, Noting)
        assert connection.pinged == b"seen"


async def test_tls_protects_connection(tls: TLS) -> None:
    """``wss://`` speaks TLS with whom the context trusts, large messages included."""
    for_server, for_client = tls
    async with serve(echo, "localhost", 0, ssl=for_server) as server:
        async with connect(url_of(server, scheme="wss"), ssl=for_client) as connection:
            for message in ("发送数据", bytes(range(256)) * 4000):
                await connection.send(message)
                assert await connection.recv() == message
        assert connection.close_code == 1000
        async with connect(f"wss://127.0.0.1:{port_of(server)}", ssl=for_client) as connection:
            pass


async def test_tls_checks_names(tls: TLS) -> None:
    """A certificate that isn't trusted, or of another name, opens nothing."""
    for_server, for_client = tls
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    async with serve(echo, "localhost", 0, ssl=for_server) as server:
        uri = url_of(server, scheme="wss")
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(uri)
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(uri, ssl=for_client, server_hostname="other.example")
        async with connect(uri, ssl=for_client, server_hostname="localhost"):
            pass


@virtual
async def test_failed_block_needs_no_close() -> None:
    """Where connecting failed, there is nothing to close."""
    connecting = connect("ws://localhost:1/")
    with contextlib.suppress(OSError):
        await connecting.__aenter__()

    await connecting.__aexit__(None, None, None)


@virtual
async def test_extensions_go_before_compression() -> None:
    """Extensions of one's own are offered first, and compression once."""

    class Other(PerMessageDeflateFactory):
        name = "x-other"

    async def offered(*extensions: Any, compression: str | None) -> str:
        options = {"extensions": extensions, "compression": compression}
        async with connection_pair(client=options) as pair:
            assert pair.client.request is not None
            return pair.client.request.headers["Sec-WebSocket-Extensions"]

    other = await offered(Other(), compression=None)
    deflate = await offered(compression="deflate")
    own = PerMessageDeflateFactory(server_max_window_bits=10)

    assert other.startswith("x-other")
    assert await offered(Other(), compression="deflate") == f"{other}, {deflate}"
    assert await offered(own, compression="deflate") == await offered(own, compression=None) != deflate


# Redirects.


@contextlib.asynccontextmanager
async def sending_to(location: Callable[[Any], str], **options: Any) -> AsyncIterator[tuple[Any, list[Any]]]:
    """Run a server that sends each client elsewhere, and notes what it was asked."""
    requests: list[Any] = []

    def redirect(connection: Any, request: Any) -> Any:
        requests.append(request)
        response = connection.respond(302, "elsewhere")
        response.headers["Location"] = location(request)
        return response

    async with serve(echo, "localhost", 0, process_request=redirect, **options) as server:
        yield server, requests


async def test_redirect_is_followed() -> None:
    """A redirect within one origin keeps everything but the key."""

    def elsewhere(connection: Any, request: Any) -> Any:
        requests.append(request)
        if request.path != "/rooms/1?a":
            response = connection.respond(308, "elsewhere")
            response.headers["Location"] = "rooms/1?a"
            return response
        return None

    requests: list[Any] = []
    headers = iter([("Authorization", "Bearer secret"), ("Cookie", "a=b")])
    async with (
        serve(echo, "localhost", 0, process_request=elsewhere, origins=["https://a"]) as server,
        connect(url_of(server), origin="https://a", additional_headers=headers) as connection,
    ):
        await connection.send("hello")
        assert await connection.recv() == "hello"

    first, second = (dict(request.headers) for request in requests)
    assert first.pop("sec-websocket-key") != second.pop("sec-websocket-key")
    assert first == second
    assert second["cookie"] == "a=b"
    assert second["authorization"] == "Bearer secret"


async def test_redirect_strips_credentials() -> None:
    """Another origin, be it another port, gets the Origin and no credentials."""
    requests = []

    async def note(connection: Any) -> None:
        requests.append(connection.request)

    async with (
        serve(note, "localhost", 0) as other,
        sending_to(lambda _: url_of(other, "/b")) as (server, asked),
    ):
        connecting = connect(
            f"ws://user:secret@localhost:{port_of(server)}/",
            origin="https://a",
            additional_headers={"Cookie": "secret", "X-Room": "lobby"},
        )
        for _ in range(2):
            async with connecting as connection:
                await connection.wait_closed()

    for request in asked:
        assert request.headers["Authorization"].startswith("Basic ")
        assert request.headers["Cookie"] == "secret"
    assert len(asked) == 2
    for request in requests:
        assert request.headers["Origin"] == "https://a"
        assert request.headers["X-Room"] == "lobby"
        assert not {"authorization", "cookie"} & set(request.headers)


async def test_redirects_are_limited() -> None:
    """Ten redirects in a row are followed, and no more."""
    numbers = itertools.count()
    async with sending_to(lambda _: f"/{next(numbers)}") as (server, requests):
        with pytest.raises(SecurityError, match="more than 10 redirects"):
            await connect(url_of(server))

        assert [request.path for request in requests] == ["/", *(f"/{number}" for number in range(10))]


async def test_redirect_keeps_tls(tls: TLS) -> None:
    """From TLS no redirect leads to a connection without it."""
    for_server, for_client = tls
    async with (
        serve(echo, "localhost", 0) as plain,
        sending_to(lambda _: url_of(plain), ssl=for_server) as (server, _),
    ):
        with pytest.raises(SecurityError) as caught:
            await connect(url_of(server, scheme="wss"), ssl=for_client)

        assert isinstance(caught.value.__cause__, InvalidStatus)


async def test_redirect_keeps_to_given_place() -> None:
    """Who says where to connect isn't sent to another origin."""
    async with sending_to(lambda _: "ws://other.example/") as (server, _):
        with pytest.raises(ValueError, match="with a given host"):
            await connect("ws://chat.example/", host="localhost", port=port_of(server))


@virtual
async def test_redirects_share_the_time() -> None:
    """All attempts together have the time for opening."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(3)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with plain_server(talk) as server:
        with pytest.raises(TimeoutError):
            await connect(url_of(server), open_timeout=7)

        assert asyncio.get_running_loop().time() == pytest.approx(7)


# Connecting again.


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


def each_second() -> Iterator[float]:
    """Yield delays of one second."""
    return itertools.repeat(1.0)


def unreached() -> None:
    """Be a body that isn't reached."""
    pytest.fail("nothing was to be opened")


async def iterate(connecting: connect, body: Callable[[], object] = unreached) -> None:
    """Do something with each connection."""
    async for _ in connecting:
        body()


@virtual
async def test_iterating_connects_again() -> None:
    """Each turn has a connection of its own, which is closed when the turn ends, however it ends."""
    connections: list[Any] = []
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def note(connection: Any) -> None:
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    async with serve(note, "localhost", 0) as server:
        async for connection in connect(url_of(server)):
            assert all(earlier.state is State.CLOSED for earlier in connections)
            assert connection.state is State.OPEN
            connections.append(connection)
            if len(connections) == 2:
                continue
            if len(connections) == 4:
                break
        assert [await codes.get() for _ in range(4)] == [1000] * 4
        assert now() < 1
        with pytest.raises(ZeroDivisionError):
            await iterate(connect(url_of(server)), lambda: 1 // 0)
        assert await codes.get() == 1000


@virtual
async def test_lost_connection_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """After a connection that the server closed it waits, and says so in one line without secrets."""
    turns = 0
    async with serve(lambda connection: connection.close(1012), "localhost", 0) as server:
        uri = f"ws://user:secret@localhost:{port_of(server)}/?secret"
        with caplog.at_level(logging.INFO, logger="fullduplex.client"):
            async for connection in connect(uri, reconnect_delays=each_second):
                await connection.wait_closed()
                turns += 1
                if turns == 3:
                    break

    assert now() == pytest.approx(2, abs=0.1)
    lines = [record.getMessage() for record in caplog.records if record.name == "fullduplex.client"]
    assert len(lines) == 2
    assert all(
        line.startswith("connecting again in 1.0 seconds: ConnectionClosedError: received 1012")
        for line in lines
    )
    assert "secret" not in caplog.text


@virtual
async def test_passing_refusal_is_retried() -> None:
    """A server that is busy is asked again, not before it says; the log is the one that is given."""
    asked: list[float] = []

    def refuse(connection: Any, request: Any) -> Any:
        asked.append(now())
        if len(asked) > 2:
            return None
        response = connection.respond(429, "later")
        response.headers["Retry-After"] = "30"
        return response

    logger = logging.getLogger("test.client")
    records: list[logging.LogRecord] = []
    logger.addFilter(lambda record: bool(records.append(record)))
    logger.setLevel(logging.INFO)
    async with serve(echo, "localhost", 0, process_request=refuse) as server:
        async for connection in connect(url_of(server), reconnect_delays=each_second, logger=logger):
            await connection.send("hello")
            assert await connection.recv() == "hello"
            break

    assert [round(time) for time in asked] == [0, 30, 60]
    assert [record.levelno for record in records] == [logging.INFO] * 2


@virtual
async def test_cut_handshake_is_retried() -> None:
    """An answer that was cut short, and a server that is away, are asked for again."""
    turns = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turns
        turns += 1
        if turns < 3:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 101 Swit")
        else:
            writer.write(await accept_plainly(reader))
            await reader.readexactly(8)

    async with plain_server(talk) as server:
        async for _ in connect(url_of(server), reconnect_delays=each_second):
            break
    assert turns == 3
    assert now() == pytest.approx(2, abs=0.1)


async def test_lasting_failure_ends_iteration() -> None:
    """A failure that will happen again is raised, or what ``process_exception`` makes of it."""

    def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "no")

    async with serve(echo, "localhost", 0, process_request=refuse) as server:
        with pytest.raises(InvalidStatus):
            await iterate(connect(url_of(server)))
        with pytest.raises(LookupError) as caught:
            await iterate(connect(url_of(server), process_exception=lambda _: LookupError()))
        assert isinstance(caught.value.__cause__, InvalidStatus)
        seen: list[Exception] = []
        options = {"process_exception": seen.append, "reconnect_delays": lambda: iter([0.0, 0.0])}
        with pytest.raises(InvalidStatus):
            await iterate(connect(url_of(server), **options))
        assert len(seen) == 3


@virtual
async def test_cancelled_wait_ends_iteration() -> None:
    """Who stops waiting for the next connection waits no more."""
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]

    connecting = connect(f"ws://localhost:{port}/", reconnect_delays=lambda: iter([0.0, 100.0]))
    waiting = asyncio.create_task(iterate(connecting))
    await asyncio.sleep(50)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert now() == pytest.approx(50)
