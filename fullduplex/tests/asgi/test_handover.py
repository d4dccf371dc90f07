"""An ASGI application on the WebSocket server's port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from fullduplex.aio.client import connect
from fullduplex.aio.server import serve
from fullduplex.asgi import http
from fullduplex.emitter import WebSocketServer
from fullduplex.protocol.frames import Opcode

from ..aio.ends import client_frame, echo, url_of
from ..native import TRANSPORT

virtual = pytest.mark.asyncio(loop_factories=["virtual"])

UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Application:
    """Says what it was asked; it notes its lifespan, and holds up what asks for /slow."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.slow = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, or the lifespan."""
        self.events.append(scope["type"])
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["path"] == "/slow":
            self.slow.set()
            await self.release.wait()
        said = f"{scope['method']} {scope['path']} {scope['state'].get('ready')} ".encode() + body
        headers = [(b"x-app", b"yes"), (b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            self.events.append(message["type"])
            scope["state"]["ready"] = True
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Browser:
    """A plain HTTP connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, request: bytes) -> Reply:
        """Send a request, and return the answer."""
        self.writer.write(request)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:-2])}
        status = int(lines[0].split()[1])
        return Reply(status, headers, await self.reader.readexactly(int(headers.get("content-length", 0))))

    async def get(self, path: str = "/") -> Reply:
        """Get a page."""
        return await self.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


@contextlib.asynccontextmanager
async def browser(server: Any) -> AsyncIterator[Browser]:
    """Connect to a server with plain TCP."""
    reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
    try:
        yield Browser(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_pages_come_from_application() -> None:
    """A request that doesn't ask for a WebSocket is answered by the application, in uvicorn's HTTP."""
    async with serve(echo, "localhost", 0, http=http(Application())) as server, browser(server) as visitor:
        reply = await visitor.get("/page")

        assert (reply.status, reply.body) == (200, b"GET /page True ")
        assert reply.headers["x-app"] == "yes"
        assert reply.headers["date"].endswith(" GMT")


async def test_websockets_stay_ours() -> None:
    """On the same port a WebSocket is opened by the handler, and the application isn't asked."""
    application = Application()
    async with (
        serve(echo, "localhost", 0, http=http(application)) as server,
        connect(url_of(server)) as connection,
        browser(server) as visitor,
    ):
        await connection.send("发送数据")
        assert await connection.recv() == "发送数据"
        assert (await visitor.get()).status == 200
        await connection.send("still here")
        assert await connection.recv() == "still here"

    assert application.events == ["lifespan", "lifespan.startup", "http", "lifespan.shutdown"]


async def test_connection_is_kept() -> None:
    """Several requests may follow each other on one connection."""
    async with serve(echo, "localhost", 0, http=http(Application())) as server, browser(server) as visitor:
        for path in ("/one", "/two", "/three"):
            assert (await visitor.get(path)).body == f"GET {path} True ".encode()


async def test_kept_connection_may_upgrade() -> None:
    """A later request on a kept connection may ask for a WebSocket, which is ours as well."""
    async with serve(echo, "localhost", 0, http=http(Application())) as server, browser(server) as visitor:
        assert (await visitor.get()).status == 200
        reply = await visitor.ask(b"GET /ws HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE)
        assert reply.status == 101
        assert [connection.request.path for connection in server.connections] == ["/ws"]
        visitor.writer.write(client_frame(Opcode.TEXT, b"hello"))
        assert await visitor.reader.readexactly(7) == b"\x81\x05hello"
        visitor.writer.write(client_frame(Opcode.CLOSE, b"\x03\xe8"))

        assert await visitor.reader.read() == b"\x88\x02\x03\xe8"


async def test_bodies_arrive() -> None:
    """A body arrives whole, in one piece with its head or in many, with a length or in chunks."""
    body = bytes(range(256)) * 2000
    head = b"POST /form HTTP/1.1\r\nHost: localhost\r\n"
    chunked = (
        b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:1000], body[1000:])) + b"0\r\n\r\n"
    )
    requests = [
        head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
    ]
    async with serve(echo, "localhost", 0, http=http(Application())) as server:
        for request in requests:
            async with browser(server) as visitor:
                visitor.writer.write(request[:50])
                await asyncio.sleep(0)
                visitor.writer.write(request[50:90])
                await asyncio.sleep(0)
                visitor.writer.write(request[90:])
                reply = await visitor.ask(b"")

                assert reply.status == 200
                assert reply.body == b"POST /form True " + body


@pytest.mark.parametrize(
    "request_line", [b"nonsense", b"GET / HTTP/1.1 extra", b"GET / HTTP/7.7", b"\x16\x03\x01\x02"]
)
async def test_malformed_http_is_answered(request_line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What is no HTTP is answered with 400, and the next client is served."""
    async with serve(echo, "localhost", 0, http=http(Application())) as server:
        async with browser(server) as visitor:
            visitor.writer.write(request_line + b"\r\nHost: localhost\r\n\r\n")
            assert (await visitor.reader.read()).startswith(b"HTTP/1.1 400 ")
        async with browser(server) as visitor:
            assert (await visitor.get()).status == 200


@pytest.mark.parametrize(
    "headers, status",
    [
        (UPGRADE.replace(b"AAAA==", b"AAAA"), 400),
        (UPGRADE.replace(b": 13", b": 8"), 426),
        (UPGRADE.replace(b"Connection: Upgrade", b"Connection: close"), 426),
        (UPGRADE.replace(b"\r\n\r\n", b"\r\nOrigin: https://evil.example\r\nCookie: a=b\r\n\r\n"), 403),
        (b"Bad Header: x\r\n" + UPGRADE, 400),
    ],
)
async def test_malformed_upgrades_are_ours(headers: bytes, status: int) -> None:
    """A wrong request for a WebSocket is refused by us; the application isn't asked."""
    application = Application()
    async with serve(echo, "localhost", 0, http=http(application)) as server, browser(server) as visitor:
        reply = await visitor.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + headers)
        assert reply.status == status
        assert await visitor.reader.read() == b""

    assert "http" not in application.events


@pytest.mark.parametrize("implementation", ["h11", "httptools"])
@pytest.mark.parametrize(
    "head, status",
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 130, 431),
        (b"GET / HTTP/1.1\nHost: localhost\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\n", 400),
    ],
    ids=["long line", "long header", "many headers", "bare feed", "later bare feed"],
)
async def test_late_upgrades_are_refused(head: bytes, status: int, implementation: str) -> None:
    """What asks for a WebSocket after something wrong is refused all the same, however it was split."""
    application = Application()
    async with serve(echo, "localhost", 0, http=http(application, http=implementation)) as server:
        for pieces in ([head + UPGRADE], [head, UPGRADE], [head[:-9], head[-9:] + UPGRADE]):
            async with browser(server) as visitor:
                for piece in pieces[:-1]:
                    visitor.writer.write(piece)
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                assert (await visitor.ask(pieces[-1])).status == status
                assert await visitor.reader.read() == b""

    assert "http" not in application.events


async def test_other_upgrades_are_http(caplog: pytest.LogCaptureFixture) -> None:
    """A request to switch to something else than WebSocket is plain HTTP to us."""
    async with serve(echo, "localhost", 0, http=http(Application())) as server, browser(server) as visitor:
        reply = await visitor.ask(
            b"GET /h2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
        )

        assert (reply.status, reply.body) == (200, b"GET /h2 True ")


async def test_lifespan_encloses_serving() -> None:
    """The application is ready before the server listens, and told of the end after the last request."""
    application = Application()
    async with serve(echo, "localhost", 0, http=http(application)) as server:
        assert application.events == ["lifespan", "lifespan.startup"]
        async with browser(server) as visitor:
            await visitor.get()
        assert application.events[2:] == ["http"]

    assert application.events[3:] == ["lifespan.shutdown"]


async def test_failed_lifespan_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """An application that fails to start keeps the server from listening."""

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(RuntimeError, match="the ASGI application failed to start"):
        await serve(echo, "localhost", port, http=http(fail))

    with pytest.raises(OSError):
        await connect(f"ws://localhost:{port}/")


async def test_lifespan_may_be_absent() -> None:
    """An application that knows nothing of a lifespan is served all the same."""

    async def hello(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serve(echo, "localhost", 0, http=http(hello)) as server, browser(server) as visitor:
        assert (await visitor.get()).status == 204


async def test_failed_listening_ends_lifespan() -> None:
    """If the port is taken, the lifespan is ended again."""
    application = Application()
    async with serve(echo, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(OSError):
            await serve(echo, "localhost", port, http=http(application))

    assert application.events == ["lifespan", "lifespan.startup", "lifespan.shutdown"]


@virtual
async def test_idle_visitors_hold_up_nothing() -> None:
    """A kept connection and a silent one are closed when the server ends, at once."""
    async with contextlib.AsyncExitStack() as stack:
        async with serve(echo, "localhost", 0, http=http(Application())) as server:
            visitor = await stack.enter_async_context(browser(server))
            await visitor.get()
            silent = await stack.enter_async_context(browser(server))
            connection = await connect(url_of(server))
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < 1
        await connection.wait_closed()

        assert connection.close_code == 1001
        for left in (visitor, silent):
            with contextlib.suppress(ConnectionResetError):
                assert await left.reader.read() == b""


@virtual
async def test_requests_may_finish() -> None:
    """A request under way when the server ends gets its answer."""
    application = Application()
    server = await serve(echo, "localhost", 0, http=http(application))
    async with browser(server) as visitor:
        asking = asyncio.create_task(visitor.get("/slow"))
        await application.slow.wait()
        server.close()
        await asyncio.sleep(1)
        application.release.set()

        assert (await asking).body == b"GET /slow True "
    await server.wait_closed()
    assert application.events[-1] == "lifespan.shutdown"


@virtual
async def test_endless_requests_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    """But not for longer than ``timeout_graceful_shutdown``."""
    application = Application()
    server = await serve(echo, "localhost", 0, http=http(application, timeout_graceful_shutdown=3))
    async with browser(server) as visitor:
        visitor.writer.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await application.slow.wait()
        begun = asyncio.get_running_loop().time()
        server.close()
        await server.wait_closed()

        assert asyncio.get_running_loop().time() - begun == pytest.approx(3, abs=0.5)
        assert application.events[-1] == "lifespan.shutdown"


@virtual
async def test_date_is_kept() -> None:
    """While the server runs, the clock of the Date header does; afterwards it stands."""
    handover = http(Application())
    async with serve(echo, "localhost", 0, http=handover):
        clock = handover._clock
        assert clock is not None
        await asyncio.sleep(60)
        assert not clock.done()
    await asyncio.sleep(0)

    assert clock.done()
    await handover.shutdown()


@virtual
async def test_slow_visitors_are_cut() -> None:
    """Who doesn't finish a first request in time is cut, as with a WebSocket."""
    async with (
        serve(echo, "localhost", 0, http=http(Application()), open_timeout=7) as server,
        browser(server) as visitor,
    ):
        visitor.writer.write(b"GET / HTTP/1.1\r\nHost: lo")
        begun = asyncio.get_running_loop().time()
        with contextlib.suppress(ConnectionResetError):
            assert await visitor.reader.read() == b""

        assert asyncio.get_running_loop().time() - begun == pytest.approx(7, abs=0.1)


@virtual
async def test_pages_may_take_time() -> None:
    """A request that was handed over isn't held to ``open_timeout``."""
    application = Application()
    async with (
        serve(echo, "localhost", 0, http=http(application), open_timeout=7) as server,
        browser(server) as visitor,
    ):
        asking = asyncio.create_task(visitor.get("/slow"))
        await asyncio.sleep(60)
        application.release.set()

        assert (await asking).status == 200


def test_unknown_options_are_refused() -> None:
    """uvicorn's options are passed on, and others refused."""
    assert http(Application, root_path="/chat")._config.root_path == "/chat"
    with pytest.raises(TypeError):
        http(Application, colour="blue")


def test_no_other_websockets_load() -> None:
    """uvicorn is told to load no WebSocket implementation of its own, and to leave logging alone."""
    config = http(Application, ws="auto")._config
    config.load()

    assert config.ws_protocol_class is None
    assert logging.getLogger("uvicorn").handlers == []


# Both faces, and what only sockets have


class Flowing:
    """Takes what comes to /up once it is released, and pours out two hundred parts for others."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.ended = asyncio.Event()
        self.sent = 0
        self.scopes: list[dict[str, Any]] = []
        self.received: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            raise RuntimeError("no lifespan here")
        self.scopes.append(scope)
        self.begun.set()
        try:
            if scope["path"] == "/up":
                await self._take(receive, send)
            else:
                await self._pour(receive, send)
        finally:
            self.ended.set()

    async def _take(self, receive: Any, send: Any) -> None:
        await self.release.wait()
        size, more = 0, True
        while more:
            message = await receive()
            self.received.append(message["type"])
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            more = message["more_body"]
        said = str(size).encode()
        headers = [(b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    async def _pour(self, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"content-length", str(200 * 65_536).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(200):
            part = bytes([number]) * 65_536
            await send({"type": "http.response.body", "body": part, "more_body": True})
            self.sent += 1
        await send({"type": "http.response.body"})
        self.received.append((await receive())["type"])


@contextlib.asynccontextmanager
async def events(application: Any, **options: Any) -> AsyncIterator[Any]:
    """Serve with the event face, which sends everything back as well."""
    async with WebSocketServer(host="localhost", port=0, http=application, **options) as server:
        server.on(
            "connection",
            lambda ws, request: ws.on("message", lambda data, is_binary: ws.send(data, binary=is_binary)),
        )
        assert server._server is not None
        yield server._server


@contextlib.asynccontextmanager
async def coroutines(application: Any, **options: Any) -> AsyncIterator[Any]:
    """Serve with the asyncio face."""
    async with serve(echo, "localhost", 0, http=application, **options) as server:
        yield server


@pytest.fixture(params=[coroutines, events])
def serving(request: pytest.FixtureRequest) -> Any:
    """Serve with each face that takes ``http``."""
    return request.param


async def turns() -> None:
    """Let everything happen that can happen by itself."""
    for _ in range(1000):
        await asyncio.sleep(0)


async def test_one_port_with_tls(serving: Any, implementation: str, tls: Any) -> None:
    """Under TLS one port has https and wss, on connections of their own and on the same one."""
    mine, theirs = tls
    application = Application()
    async with serving(http(application, http=implementation), ssl=mine) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, ssl=theirs)
        visitor = Browser(reader, writer)
        async with connect(f"wss://localhost:{port}/", ssl=theirs) as connection:
            await connection.send("发送数据")
            for path in ("/one", "/two"):
                assert (await visitor.get(path)).body == f"GET {path} True ".encode()
            assert await connection.recv() == "发送数据"
        assert (await visitor.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE)).status == 101
        writer.write(client_frame(Opcode.TEXT, b"hello"))
        assert await reader.readexactly(7) == b"\x81\x05hello"
        writer.close()
        await writer.wait_closed()


async def test_silent_visitors_are_let_go(serving: Any, implementation: str) -> None:
    """Where a visitor says that there will be nothing more, its connection is closed."""
    async with serving(http(Application(), http=implementation)) as server, browser(server) as visitor:
        assert (await visitor.get()).status == 200
        visitor.writer.write_eof()
        assert await visitor.reader.read() == b""


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_engine_moves_all(serving: Any, implementation: str, scheme: str, tls: Any) -> None:
    """The engine, where there is one, moves WebSockets that are asked for at once, or after pages."""
    mine, theirs = tls if scheme == "wss" else (None, None)
    async with serving(http(Application(), http=implementation), ssl=mine) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, ssl=theirs)
        visitor = Browser(reader, writer)
        assert (await visitor.get()).status == 200
        assert (await visitor.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE)).status == 101
        async with connect(f"{scheme}://localhost:{port}/", ssl=theirs):
            assert [one.transport_kind for one in server.connections] == [TRANSPORT] * 2
        for size in (5, 70_000):
            writer.write(client_frame(Opcode.BINARY, bytes(size)))
            assert (await reader.readexactly(2 if size < 126 else 10))[0] == 0x82
            assert await reader.readexactly(size) == bytes(size)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_scheme_is_told(serving: Any, implementation: str, tls: Any) -> None:
    """The application is told that its visitor came by https, and from where."""
    mine, theirs = tls
    application = Flowing()
    async with serving(http(application, http=implementation, lifespan="off"), ssl=mine) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, ssl=theirs)
        await Browser(reader, writer).get("/down")
        client = writer.get_extra_info("sockname")
        writer.close()
        await writer.wait_closed()

    assert application.scopes[0]["scheme"] == "https"
    assert application.scopes[0]["client"] == client[:2]
    assert application.scopes[0]["server"][1] == port


async def test_pipeline_keeps_its_order(serving: Any, implementation: str) -> None:
    """Requests that don't wait for each other's answers are answered in their order."""
    application = Application()
    async with serving(http(application, http=implementation)) as server, browser(server) as visitor:
        paths = ["/slow", "/two", "/three"]
        visitor.writer.write(
            b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths)
        )
        await application.slow.wait()
        await turns()
        application.release.set()

        assert [(await visitor.ask(b"")).body for _ in paths] == [f"GET {p} True ".encode() for p in paths]


async def test_uploads_wait(serving: Any, implementation: str) -> None:
    """A body that the application doesn't take isn't read on; in the end it has all of it."""
    application = Flowing()
    size = 20_000_000
    async with (
        serving(http(application, http=implementation, lifespan="off")) as server,
        browser(server) as visitor,
    ):
        head = f"POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
        visitor.writer.write(head.encode() + bytes(size))
        await application.begun.wait()
        await turns()
        # What the systems of both ends keep is some megabytes.
        assert visitor.writer.transport.get_write_buffer_size() > size // 4
        application.release.set()

        assert (await visitor.ask(b"")).body == str(size).encode()


async def test_downloads_wait(serving: Any, implementation: str) -> None:
    """An application waits for a visitor that reads slowly, and everything arrives."""
    application = Flowing()
    async with (
        serving(http(application, http=implementation, lifespan="off")) as server,
        browser(server) as visitor,
    ):
        visitor.writer.write(b"GET /down HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await application.begun.wait()
        await turns()
        assert application.sent < 150

        body = (await visitor.ask(b"")).body
    assert body == b"".join(bytes([number]) * 65_536 for number in range(200))


@pytest.mark.parametrize("path", ["/up", "/down"])
async def test_visitors_may_leave(serving: Any, implementation: str, path: str) -> None:
    """An application hears that its visitor has left, and the next visitor is served."""
    application = Flowing()
    async with serving(http(application, http=implementation, lifespan="off")) as server:
        async with browser(server) as visitor:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
            visitor.writer.write(head.encode() + bytes(500))
            await application.begun.wait()
            await turns()
            visitor.writer.transport.abort()
        application.release.set()
        async with asyncio.timeout(60):
            await application.ended.wait()
        assert application.received[-1] == "http.disconnect"
        async with browser(server) as visitor:
            assert (await visitor.get("/down")).status == 200


async def test_faces_end_alike(serving: Any, implementation: str) -> None:
    """When the server ends, a request under way gets its answer, and what idles is closed."""
    application = Application()
    async with contextlib.AsyncExitStack() as stack:
        async with serving(http(application, http=implementation)) as server:
            idle = await stack.enter_async_context(browser(server))
            await idle.get()
            busy = await stack.enter_async_context(browser(server))
            asking = asyncio.create_task(busy.get("/slow"))
            await application.slow.wait()
            connection = await connect(url_of(server))
            server.close()
            await connection.wait_closed()
            application.release.set()
        assert (await asking).body == b"GET /slow True "
        with contextlib.suppress(ConnectionResetError):
            assert await idle.reader.read() == b""

    assert application.events[-1] == "lifespan.shutdown"
