"""The event server: its options, its events, whom it lets in, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Sequence
from typing import Any

import pytest

from fullduplex import broadcast, connect
from fullduplex.aio.listener import Server
from fullduplex.emitter import ClientInfo, ServerWebSocket, WebSocketServer
from fullduplex.exceptions import (
    InvalidHeaderValue,
    InvalidMessage,
    InvalidStatus,
    LocalProtocolError,
    NegotiationError,
)
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Request

from .ends import REQUEST, Recorder, client_frame, plain_client, serving, url_of, virtually

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="


async def test_server_starts_by_itself() -> None:
    """Made while a loop runs, it listens, and says so; closed, it says so after everything else."""
    server, told = serving(), []
    for event in ("listening", "close"):
        server.on(event, lambda event=event: told.append((event, server.address() is not None)))
    assert server.address() is None
    await server.wait_listening()
    assert told == [("listening", True)]
    async with connect(url_of(server)) as connection:
        server.close()
        await server.wait_closed()
        assert told == [("listening", True), ("close", False)]
        await connection.wait_closed()
        assert connection.close_code == 1001
    server.close()
    await server.wait_closed()

    assert len(told) == 2


@pytest.mark.parametrize("waits", [False, True])
async def test_answers_need_no_task(waits: bool) -> None:
    """A client is let in at once, unless the program may have to think about it."""

    async def verify(info: ClientInfo) -> bool:
        return True

    tasks = []
    async with serving(verifyClient=verify if waits else None) as server:
        server.on("connection", lambda ws, request: tasks.append(asyncio.current_task()))
        async with connect(url_of(server)):
            pass

    assert [task is not None for task in tasks] == [waits]


def test_server_waits_for_loop() -> None:
    """Made before any loop runs, it is started by its context."""
    server, told = serving(), []
    server.on("listening", lambda: told.append("listening"))
    server.on("close", lambda: told.append("close"))

    async def main() -> None:
        async with server:
            assert told == ["listening"]
            async with connect(url_of(server)):
                assert len(server.clients) == 1

    asyncio.run(main())
    assert told == ["listening", "close"]


def test_run_ends_by_closing() -> None:
    """``run`` serves until the server is closed, by a listener say."""
    server = serving()
    closed = []
    server.on("close", lambda: closed.append(True))

    @server.on("listening")
    async def visit() -> None:
        async with connect(url_of(server)):
            pass
        server.close()

    server.run()
    assert closed == [True]


async def test_serving_ends_by_cancelling() -> None:
    """``serve_forever`` closes everything when it is cancelled."""
    server = serving()
    listening = asyncio.Event()
    server.on("listening", listening.set)
    serving_task = asyncio.create_task(server.serve_forever())
    await listening.wait()
    async with connect(url_of(server)) as connection:
        serving_task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving_task
        await connection.wait_closed()

        assert connection.close_code == 1001


async def test_close_may_come_early() -> None:
    """A server that is closed before it listens closes as soon as it does."""
    server, told = serving(), []
    server.on("close", lambda: told.append("close"))
    server.close()
    await server.wait_closed()

    assert told == ["close"]
    assert server.address() is None


async def test_close_checks_its_code() -> None:
    """A code that mustn't be sent is refused, and the server can still be closed."""
    async with serving() as server:
        with pytest.raises(LocalProtocolError):
            server.close(1006)
        async with connect(url_of(server)) as connection:
            server.close(4000, "maintenance")
            await connection.wait_closed()

            assert (connection.close_code, connection.close_reason) == (4000, "maintenance")


async def test_taken_port_is_event() -> None:
    """A port that is taken is an "error" event, and raised to whoever waits."""
    with socket.create_server(("localhost", 0)) as taken:
        server = WebSocketServer(host="localhost", port=taken.getsockname()[1])
        errors: list[Any] = []
        server.on("error", errors.append)
        with pytest.raises(OSError, match="address already in use"):
            await server.wait_listening()
        server.close()
        await server.wait_closed()

        assert isinstance(errors[0], OSError)


async def test_unheard_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener it is logged, so that it isn't lost; nobody needs to wait."""
    with socket.create_server(("localhost", 0)) as taken:
        server = WebSocketServer(host="localhost", port=taken.getsockname()[1])
        await asyncio.wait([server._starting])

    assert "address already in use" in caplog.text


async def test_wrong_option_is_event() -> None:
    """Whatever else goes wrong at the start is told in the same way."""
    server = serving(nonsense=True)
    errors: list[Any] = []
    server.on("error", errors.append)
    with pytest.raises(TypeError):
        await server.wait_listening()

    assert isinstance(errors[0], TypeError)


async def test_clients_are_known() -> None:
    """``clients`` has those that are open; what it has can be broadcast to."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as one, connect(url_of(server)) as other:
            await recorder.take(2)
            assert server.clients == set(recorder.connections)
            broadcast(server.clients, "发送数据")
            assert [await one.recv(), await other.recv()] == ["发送数据"] * 2
        await recorder.take(2)

        assert server.clients == set()


@pytest.mark.parametrize(
    "path, status", [("/chat", None), ("/chat?room=1", None), ("/", 400), ("/chat/", 400), ("/chatter", 400)]
)
async def test_path_may_be_required(path: str, status: int | None) -> None:
    """With ``path``, any other is answered with 400, and no listener hears of it."""
    async with serving(path="/chat") as server:
        recorder = Recorder(server)
        if status is None:
            async with connect(url_of(server, path)):
                assert await recorder.take(1) == [("connection", path)]
        else:
            with pytest.raises(InvalidStatus) as caught:
                await connect(url_of(server, path))
            assert caught.value.response.status_code == status
            assert recorder.events.empty()


async def test_options_are_kept() -> None:
    """maxPayload, perMessageDeflate, subprotocols and origins do what they say."""
    options: Any = {"maxPayload": 10, "perMessageDeflate": True, "subprotocols": ["a"], "origins": [None]}
    async with serving(**options) as server:
        with pytest.raises(InvalidStatus):
            await connect(url_of(server), origin="https://a.b", subprotocols=["a"])
        async with connect(url_of(server), subprotocols=["a"]) as connection:
            assert connection.subprotocol == "a"
            assert [ws.protocol for ws in server.clients] == ["a"]
            assert "Sec-WebSocket-Extensions" in connection.response.headers
            await connection.send("x" * 11)
            await connection.wait_closed()
            assert connection.close_code == 1009
    async with serving() as server, connect(url_of(server)) as connection:
        assert "Sec-WebSocket-Extensions" not in connection.response.headers


# ws's options.


@pytest.mark.parametrize("options", [{}, {"port": 0, "noServer": True}, {"sock": None, "port": 0}])
async def test_one_address_is_needed(options: dict[str, Any]) -> None:
    """A server listens on one thing, or with ``noServer`` on none; which one isn't guessed."""
    with pytest.raises(TypeError, match="one of port, sock and noServer"):
        WebSocketServer(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"skipUTF8Validation": True},
        {"allowSynchronousEvents": False},
        {"max_connections": 0},
        {"perMessageDeflate": {"serverMaxWindowBits": 7}},
    ],
)
async def test_senseless_options_are_refused(options: dict[str, Any]) -> None:
    """What can't be had, or makes no sense, is refused when the server is made."""
    with pytest.raises(ValueError, match=r"can't be|must be"):
        serving(**options)


async def test_backlog_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system is told how many may wait; 511 by default, as in ws."""
    listened: list[Any] = []

    async def listen(server: Any, *address: Any, **options: Any) -> None:
        listened.append(options["backlog"])

    monkeypatch.setattr(Server, "listen", listen)
    for options in ({}, {"backlog": 7}):
        async with serving(**options):
            pass

    assert listened == [511, 7]


async def test_socket_may_be_given() -> None:
    """A socket that is there already is listened on instead of a port."""
    with socket.create_server(("localhost", 0)) as listening:
        async with WebSocketServer(sock=listening) as server, connect(url_of(server)):
            assert server.address() == listening.getsockname()


async def test_clients_may_be_untracked() -> None:
    """Without ``clientTracking`` nobody is in ``clients``, and closing still ends them."""
    async with serving(clientTracking=False) as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as connection:
            await recorder.taken()
            assert server.clients == set()
            server.close()
            await connection.wait_closed()
            assert connection.close_code == 1001


async def test_connections_may_be_subclassed() -> None:
    """``WebSocket`` is what connections are made as."""

    class Named(ServerWebSocket):
        name = "someone"

    async with serving(WebSocket=Named) as server:
        recorder = Recorder(server)
        async with connect(url_of(server)):
            assert (await recorder.taken()).name == "someone"


async def test_pongs_may_be_left_out() -> None:
    """Without ``autoPong`` a ping is an event and nothing else; the program may answer it."""
    async with serving(autoPong=False) as server:
        recorder = Recorder(server)
        async with connect(url_of(server), ping_interval=None) as connection:
            ws = await recorder.taken()
            pong = await connection.ping(b"?")
            assert await recorder.take(1) == [("ping", b"?")]
            ws.send("still here")
            assert await connection.recv() == "still here"
            assert not pong.done()
            ws.pong(b"?")
            await pong


async def test_subclass_may_handle_requests() -> None:
    """``shouldHandle`` may be overridden, and is asked for each request."""

    class Choosy(WebSocketServer):
        def shouldHandle(self, request: Request) -> bool:
            return request.path.startswith("/rooms/")

    async with Choosy(host="localhost", port=0) as server:
        async with connect(url_of(server, "/rooms/1")):
            pass
        with pytest.raises(InvalidStatus, match="400"):
            await connect(url_of(server))


# Who is let in.


async def granting(info: ClientInfo) -> bool:
    """Let in who asks for it, after some time."""
    await asyncio.sleep(0)
    return info.req.path == "/in"


@pytest.mark.parametrize("verify", [granting, lambda info: info.req.path == "/in"])
async def test_clients_are_verified(verify: Any) -> None:
    """``verifyClient`` decides, now or later; who isn't let in is told 401, and no listener hears of it."""
    async with serving(verifyClient=verify) as server:
        recorder = Recorder(server)
        async with connect(url_of(server, "/in")):
            assert await recorder.take(1) == [("connection", "/in")]
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server, "/out"))
        assert await recorder.take(1) == [("close", 1000, "")]

        response = caught.value.response
        assert (response.status_code, response.body) == (401, b"Unauthorized")
        assert response.headers["Server"].startswith("Python/")
        assert recorder.events.empty()


async def test_refusal_is_as_told() -> None:
    """A tuple says status, body and headers."""
    headers = {"Retry-After": "9", "Server": "busy"}
    async with serving(verifyClient=lambda info: (False, 429, "later", headers)) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server))

        response = caught.value.response
        assert (response.status_code, response.body) == (429, b"later")
        assert (response.headers["Retry-After"], response.headers["Server"]) == ("9", "busy")


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_verifier_is_told_all(tls: tuple[ssl.SSLContext, ssl.SSLContext], scheme: str) -> None:
    """It is given the origin, the request, and whether the connection is encrypted."""
    seen: list[ClientInfo] = []
    mine, theirs = tls if scheme == "wss" else (None, None)
    async with serving(verifyClient=lambda info: seen.append(info) or True, ssl=mine) as server:
        for origin in (None, "https://example.org"):
            async with connect(url_of(server, "/x", scheme), origin=origin, ssl=theirs):
                pass

    assert [(info.origin, info.req.path, info.secure) for info in seen] == [
        (None, "/x", scheme == "wss"),
        ("https://example.org", "/x", scheme == "wss"),
    ]


async def test_verifier_comes_last() -> None:
    """Who breaks a rule, asks for another path or comes from a wrong origin isn't asked about."""
    seen: list[ClientInfo] = []
    options: Any = {"path": "/in", "origins": [None], "verifyClient": seen.append}
    async with serving(**options) as server:
        for path, origin in [("/out", None), ("/in", "https://example.org")]:
            with pytest.raises(InvalidStatus):
                await connect(url_of(server, path), origin=origin)
        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST.replace(b"Version: 13", b"Version: 8"))
            assert (await reader.read()).startswith(b"HTTP/1.1 426 ")

    assert seen == []


async def test_verifier_precedes_protocols() -> None:
    """As in ws, ``handleProtocols`` is asked about who is let in only, and once."""
    asked: list[str] = []

    async def verify(info: ClientInfo) -> bool:
        asked.append("verifyClient")
        return info.req.path == "/in"

    def handle(protocols: Sequence[str], request: Request) -> str:
        asked.append("handleProtocols")
        return protocols[0]

    async with serving(verifyClient=verify, handleProtocols=handle) as server:
        with pytest.raises(InvalidStatus, match="401"):
            await connect(url_of(server), subprotocols=["a"])
        assert asked == ["verifyClient"]
        async with connect(url_of(server, "/in"), subprotocols=["a"]) as connection:
            assert connection.subprotocol == "a"
            assert connection.response is not None
            assert connection.response.headers["Server"].startswith("Python/")

    assert asked == ["verifyClient", "verifyClient", "handleProtocols"]


async def test_failing_verifier_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in it is logged, and status 500; the server goes on."""
    async with serving(verifyClient=lambda info: info.nonsense) as server:
        for _ in range(2):
            with pytest.raises(InvalidStatus, match="500"):
                await connect(url_of(server))

    assert [record.message for record in caplog.records] == ["opening handshake failed"] * 2


def test_slow_verifier_is_cut() -> None:
    """A verifier that takes longer than the opening may is cancelled with its connection."""

    async def main() -> None:
        ended = asyncio.Event()

        async def verify(info: ClientInfo) -> bool:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.set()
            return True

        async with serving(verifyClient=verify, open_timeout=5) as server:
            with pytest.raises((InvalidMessage, OSError)):
                await connect(url_of(server))
            await ended.wait()

    virtually(main)


@pytest.mark.parametrize(
    "handle, chosen",
    [
        (None, None),
        (lambda protocols, request: protocols[-1], "b"),
        (lambda protocols, request: False, None),
        (lambda protocols, request: None, None),
        (lambda protocols, request: request.path.partition("?")[2], "b"),
    ],
)
async def test_protocols_are_handled(handle: Any, chosen: str | None) -> None:
    """``handleProtocols`` chooses from the offer, or nothing; without it nothing is chosen."""
    async with serving(handleProtocols=handle) as server:
        recorder = Recorder(server)
        async with connect(url_of(server, "/?b"), subprotocols=["a", "b"]) as connection:
            assert connection.subprotocol == chosen
            assert (await recorder.taken()).protocol == (chosen or "")


async def test_no_protocols_are_not_handled() -> None:
    """Who offers none isn't asked about, and gets none."""
    async with serving(handleProtocols=lambda *_: 1 / 0) as server, connect(url_of(server)) as connection:
        assert connection.subprotocol is None


async def test_only_offered_protocols_count() -> None:
    """What the client didn't offer can't be chosen: it would end the connection anyway."""
    async with serving(handleProtocols=lambda *arguments: "other") as server:
        errors: list[Any] = []
        server.on("wsClientError", lambda error, *rest: errors.append(error))
        with pytest.raises(InvalidStatus, match="400"):
            await connect(url_of(server), subprotocols=["a"])

        assert [type(error) for error in errors] == [NegotiationError]


async def test_known_protocols_are_required() -> None:
    """With ``subprotocols``, a client that offers none of them is refused, unless someone else chooses."""
    options: Any = {"subprotocols": ["a"]}
    async with serving(**options) as server:
        with pytest.raises(InvalidStatus, match="400"):
            await connect(url_of(server), subprotocols=["b"])
    options["handleProtocols"] = lambda protocols, request: protocols[0]
    async with serving(**options) as server, connect(url_of(server), subprotocols=["b"]) as connection:
        assert connection.subprotocol == "b"


async def test_headers_may_be_changed() -> None:
    """The event "headers" has the response's header lines: what is added, changed or taken off counts."""
    async with serving() as server:

        @server.on("headers")
        def changed(lines: list[str], request: Request) -> None:
            assert "Upgrade: websocket" in lines
            lines[:] = [line for line in lines if not line.startswith("Server:")]
            lines += [f"X-Path: {request.path}", "Set-Cookie: a=b", "Set-Cookie:c=d"]

        async with connect(url_of(server, "/x")) as connection:
            headers = connection.response.headers
            assert headers["X-Path"] == "/x"
            assert headers.get_all("Set-Cookie") == ["a=b", "c=d"]
            assert "Server" not in headers


@pytest.mark.parametrize("line", ["no colon", "X: a\r\nY: b", ": empty"])
async def test_wrong_headers_are_refused(line: str, caplog: pytest.LogCaptureFixture) -> None:
    """A line that would break the response apart is never sent: it is logged, and status 500."""
    async with serving() as server:
        server.on("headers", lambda lines, request: lines.append(line))
        with pytest.raises(InvalidStatus, match="500"):
            await connect(url_of(server))

    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_wrong_requests_are_told() -> None:
    """The event "wsClientError" has what is wrong, and the answer is sent all the same."""
    async with serving() as server:
        told: list[Any] = []

        @server.on("wsClientError")
        def failed(error: Exception, transport: Any, request: Request) -> None:
            told.append((type(error), request.path, transport.is_closing()))

        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST.replace(KEY.encode(), b"short"))
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

    assert told == [(InvalidHeaderValue, "/", False)]


@pytest.mark.parametrize("said", [b"\x16\x03\x01 TLS\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"])
async def test_what_is_no_http_is_told(said: bytes) -> None:
    """What isn't even HTTP is told without a request, once, and answered."""
    async with serving() as server:
        told: list[Any] = []
        server.on("wsClientError", lambda *arguments: told.append(arguments))
        async with plain_client(server) as (reader, writer):
            writer.write(said)
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        async with connect(url_of(server)):
            pass

    [(error, transport, request)] = told
    assert (type(error), request) == (InvalidMessage, None)
    assert transport.get_extra_info("peername") is not None


async def test_refused_clients_are_untold() -> None:
    """Who asks for another path, or isn't verified, has made no mistake."""
    async with serving(path="/x", verifyClient=lambda info: False) as server:
        told: list[Any] = []
        server.on("wsClientError", lambda *arguments: told.append(arguments))
        for path in ("/", "/x"):
            with pytest.raises(InvalidStatus):
                await connect(url_of(server, path))

    assert told == []


async def test_listener_may_answer_itself() -> None:
    """A listener of "wsClientError" that closes the transport has given the only answer."""
    # Longer than the system takes at once: what is sent after it would still be written.
    answer = b"HTTP/1.1 418 I'm a teapot\r\n\r\n" + bytes(10_000_000)
    async with serving() as server:

        @server.on("wsClientError")
        def failed(error: Exception, transport: Any, request: Request) -> None:
            transport.write(answer)
            transport.close()

        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST.replace(KEY.encode(), b"short"))
            assert await reader.read() == answer
        server.close()
        await server.wait_closed()


# Several servers, and none.


async def test_servers_share_a_loop() -> None:
    """Each server has its own port, clients and end."""
    async with serving() as one, serving(path="/other") as other:
        recorders = Recorder(one), Recorder(other)
        async with connect(url_of(one)) as first, connect(url_of(other, "/other")) as second:
            await first.send("to one")
            await second.send("to other")
            assert await recorders[0].take(2) == [("connection", "/"), ("message", "to one", False)]
            assert await recorders[1].take(2) == [("connection", "/other"), ("message", "to other", False)]
            one.close()
            await one.wait_closed()
            assert (len(one.clients), len(other.clients)) == (0, 1)
            await second.send("still here")
            assert await recorders[1].take(1) == [("message", "still here", False)]


class Router(asyncio.Protocol):
    """Reads a request's head, and gives the connection to the server of its path."""

    def __init__(self, servers: dict[bytes, WebSocketServer], callback: Any = None) -> None:
        self.servers = servers
        self.callback = callback
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if end:
            server = self.servers[head.split(b" ")[1]]
            server.handleUpgrade(head + end, self.transport, rest, self.callback)


@contextlib.asynccontextmanager
async def routing(servers: dict[bytes, WebSocketServer], callback: Any = None, **options: Any) -> Any:
    """Listen, and give each connection to the server of its path; yield the address."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Router(servers, callback), "localhost", 0, **options)
    try:
        scheme = "wss" if "ssl" in options else "ws"
        yield f"{scheme}://localhost:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await listening.wait_closed()


async def test_servers_share_a_port() -> None:
    """Servers that don't listen take the connections that they are given, and end them."""
    async with WebSocketServer(noServer=True) as one, WebSocketServer(noServer=True) as other:
        recorders = Recorder(one), Recorder(other)
        async with (
            routing({b"/one": one, b"/other": other}) as address,
            connect(address + "/one") as first,
            connect(address + "/other"),
        ):
            await first.send("发送数据")
            assert await recorders[0].take(2) == [("connection", "/one"), ("message", "发送数据", False)]
            assert await recorders[1].take(1) == [("connection", "/other")]
            assert (len(one.clients), len(other.clients)) == (1, 1)
            one.close(4000, "enough")
            await one.wait_closed()
            await first.wait_closed()
            assert (first.close_code, first.close_reason) == (4000, "enough")
            assert len(other.clients) == 1


async def test_head_is_heard() -> None:
    """What a client says in one piece with its request is passed on, and heard after "connection"."""
    server = WebSocketServer(noServer=True)
    recorder = Recorder(server)
    async with server, accepted() as (_, writer, transport):
        transport.set_protocol(router := Router({b"/": server}))
        router.connection_made(transport)
        writer.write(REQUEST + client_frame(b"early"))
        assert await recorder.take(2) == [("connection", "/"), ("message", "early", False)]


async def test_encrypted_transport_is_taken(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A transport with TLS is taken like any other, and known as such."""
    mine, theirs = tls
    async with (
        WebSocketServer(noServer=True, verifyClient=lambda info: info.secure) as server,
        routing({b"/": server}, ssl=mine) as address,
        connect(address, ssl=theirs) as connection,
    ):
        [ws] = server.clients
        ws.on("message", lambda data, is_binary: ws.send(data))
        await connection.send(bytes(200_000))
        assert await connection.recv() == bytes(200_000)


async def test_callback_replaces_event() -> None:
    """A callback is given connection and request instead of listeners, and may emit to them."""
    server = WebSocketServer(noServer=True)
    recorder, called = Recorder(server), []

    async def callback(ws: ServerWebSocket, request: Request) -> None:
        called.append(request.path)
        assert recorder.events.empty()
        server.emit("connection", ws, request)

    async with server, routing({b"/x": server}, callback) as address, connect(address + "/x"):
        assert await recorder.take(1) == [("connection", "/x")]

    assert called == ["/x"]


@contextlib.asynccontextmanager
async def accepted() -> Any:
    """Accept one connection with nothing but TCP; yield its client's reader and writer, and its transport."""
    arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    class Arriving(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            arrived.set_result(transport)

    listening = await asyncio.get_running_loop().create_server(Arriving, "localhost", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname()[:2])
    try:
        yield reader, writer, await arrived
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        listening.close()
        await listening.wait_closed()


def request_for(path: str, **headers: str) -> Request:
    """Return a request for a WebSocket."""
    fixed = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade"}
    keys = {"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
    return Request(path, Headers({**fixed, **keys, **headers}))


async def test_request_may_be_parsed() -> None:
    """A request that was read elsewhere is answered by the same rules, and what came after it is heard."""
    async with WebSocketServer(noServer=True) as server, accepted() as (reader, _, transport):
        recorder = Recorder(server)
        request = request_for("/x")
        server.handleUpgrade(request, transport, client_frame(b"early"))
        assert await recorder.take(2) == [("connection", "/x"), ("message", "early", False)]
        assert recorder.connections[0].request is request
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    async with WebSocketServer(noServer=True, path="/y") as server, accepted() as (reader, _, transport):
        server.handleUpgrade(request_for("/x"), transport)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_transport_is_taken_once() -> None:
    """Taking a transport again is an error, also by another server; so is taking one too early."""
    async with accepted() as (_, _, transport):
        listening = serving()
        with pytest.raises(RuntimeError, match="doesn't listen yet"):
            listening.handleUpgrade(REQUEST, transport)
    async with listening, WebSocketServer(noServer=True) as other, accepted() as (_, _, transport):
        recorder = Recorder(listening)
        listening.handleUpgrade(REQUEST, transport)
        await recorder.taken()
        for server in (listening, other):
            with pytest.raises(RuntimeError, match="twice"):
                server.handleUpgrade(REQUEST, transport)


async def test_closed_server_takes_nothing() -> None:
    """Once closed, a server without a listener answers with 503."""
    async with accepted() as (reader, _, transport), WebSocketServer(noServer=True) as server:
        server.close()
        server.handleUpgrade(REQUEST, transport)
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")


async def test_none_has_no_address() -> None:
    """A server that doesn't listen works from the first moment on, and has no address."""
    told: list[str] = []
    async with accepted() as (_, _, transport):
        server = WebSocketServer(noServer=True)
        recorder = Recorder(server)
        for event in ("listening", "close"):
            server.on(event, lambda event=event: told.append(event))
        with pytest.raises(RuntimeError, match="has no address"):
            server.address()
        server.handleUpgrade(REQUEST, transport)
        await recorder.taken()
        assert len(server.clients) == 1
    async with server:
        pass

    assert told == ["close"]


# The end.


def test_close_may_take_time() -> None:
    """With ``over`` the clients are told to go one by one, within that time."""

    async def main() -> None:
        async with serving(ping_interval=None) as server:
            recorder = Recorder(server)
            async with contextlib.AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(connect(url_of(server))) for _ in range(5)]
                await recorder.take(5)
                loop = asyncio.get_running_loop()
                begun = loop.time()
                server.close(1012, "restart", over=10)
                times = []
                for _ in clients:
                    assert await recorder.take(1) == [("close", 1012, "restart")]
                    times.append(loop.time() - begun)
                assert all(place * 2 <= time <= place * 2 + 3 for place, time in enumerate(times))
                await server.wait_closed()
                assert {client.close_code for client in clients} == {1012}

    virtually(main)


async def test_close_checks_its_time() -> None:
    """A time that makes no sense is refused, and the server can still be closed."""
    async with serving() as server:
        with pytest.raises(ValueError, match="over must not be negative"):
            server.close(over=-1)


async def test_closing_server_refuses() -> None:
    """A client that asks while the server closes isn't let in."""
    server = serving()
    await server.wait_listening()
    url = url_of(server)
    server.close()
    with pytest.raises((OSError, InvalidMessage, InvalidStatus)):
        await connect(url)
    await server.wait_closed()


async def test_server_hears_messages() -> None:
    """A listener of the server is called after the connection's own, though it fails."""
    heard: list[Any] = []
    async with serving() as server:
        server.on(
            "connection", lambda ws, request: ws.on("message", lambda *told: heard.append(("own", *told)))
        )

        @server.on("message")
        def all_of_them(ws: ServerWebSocket, data: str | bytes, is_binary: bool) -> None:
            heard.append((ws in server.clients, data, is_binary))
            ws.send(data)
            raise LookupError

        async with connect(url_of(server)) as one, connect(url_of(server)) as other:
            for connection, message in ((one, "text"), (other, b"binary"), (one, b"")):
                await connection.send(message)
                assert await connection.recv() == message

    told = [("text", False), (b"binary", True), (b"", True)]
    assert heard == [each for message in told for each in (("own", *message), (True, *message))]


async def test_server_listens_in_every_way() -> None:
    """Its listeners of messages may be several, called once, taken off, and coroutine functions."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def slowly(ws: ServerWebSocket, data: str, is_binary: bool) -> None:
        heard.put_nowait(f"slowly {data}")

    async with serving() as server, connect(url_of(server)) as connection:
        server.once("message", lambda ws, data, is_binary: heard.put_nowait(f"once {data}"))
        await connection.send("one")
        assert await heard.get() == "once one"
        server.on("message", slowly)
        await connection.send("two")
        assert await heard.get() == "slowly two"
        server.on("message", lambda ws, data, is_binary: heard.put_nowait(f"at once {data}"))
        await connection.send("three")
        assert [await heard.get() for _ in range(2)] == ["at once three", "slowly three"]
        server.off("message", slowly)
        await connection.send("four")
        assert await heard.get() == "at once four"
        assert heard.empty()


async def test_server_may_emit_otherwise() -> None:
    """A server's class that has its own way to emit is asked for messages too."""

    class Counting(WebSocketServer):
        messages = 0

        def emit(self, event: str, *arguments: Any) -> bool:
            self.messages += event == "message"
            return super().emit(event, *arguments)

    async with Counting(host="localhost", port=0) as server, connect(url_of(server)) as connection:
        server.on("message", lambda ws, data, is_binary: ws.send(data))
        await connection.send("heard")
        assert await connection.recv() == "heard"
        assert server.messages == 1
