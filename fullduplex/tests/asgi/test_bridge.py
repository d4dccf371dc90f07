"""uvicorn's WebSocket protocol, ours: what uvicorn hands over, its options, and its shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import logging
import re
import signal
import ssl
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, WebSocketException
from fastapi import WebSocket as FastAPIWebSocket
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from fullduplex import Limits, PerMessageDeflateFactory, Server, State, broadcast, connect
from fullduplex.asgi import UvicornProtocol
from fullduplex.exceptions import ConnectionClosedError, InvalidStatus
from fullduplex.protocol.frames import Opcode

from ..aio.certificate import make_certificate
from ..aio.ends import REQUEST, client_frame, open_plainly, plain_client, url_of
from ..attacks.targets import until
from ..native import TRANSPORT
from .programs import Program, Saying, real, running, virtual

pytestmark = virtual


class Undecided(Program):
    """Neither accepts nor refuses until it is released; then it accepts."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.raised: list[OSError] = []

    async def serve(self, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await receive()
        self.begun.set()
        await self.release.wait()
        try:
            await send({"type": "websocket.accept"})
        except OSError as error:
            self.raised.append(error)
        while (await receive())["type"] == "websocket.receive":
            pass


async def test_scope_is_whole(http: str) -> None:
    """The scope has everything that the specification names."""
    program = Program()
    async with (
        running(program, http=http) as server,
        connect(
            url_of(server, "/a%20b/c?d=%65&f"),
            subprotocols=["one", "two"],
            additional_headers={"X-Name": "caf\xe9", "Cookie": "a=b"},
            origin="https://elsewhere.example",
        ) as connection,
    ):
        client = connection.local_address[:2]
    scope = program.scopes[0]
    headers = dict(scope["headers"])

    assert scope["type"] == "websocket"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert scope["http_version"] == "1.1"
    assert scope["scheme"] == "ws"
    assert scope["server"] == ("127.0.0.1", port_of_url(connection))
    assert scope["client"] == client
    assert scope["root_path"] == ""
    assert scope["path"] == "/a b/c"
    assert scope["raw_path"] == b"/a%20b/c"
    assert scope["query_string"] == b"d=%65&f"
    assert scope["subprotocols"] == ["one", "two"]
    assert scope["state"] == {}
    assert scope["extensions"]["websocket.http.response"] == {}
    assert headers[b"x-name"] == b"caf\xe9"
    assert headers[b"host"] == f"localhost:{port_of_url(connection)}".encode()
    assert headers[b"cookie"] == b"a=b"


def port_of_url(connection: Any) -> int:
    """Return the port that a client is connected to."""
    port: int = connection.remote_address[1]
    return port


async def test_paths_may_be_unicode(http: str) -> None:
    """A path is decoded as UTF-8, behind the root path; its raw form isn't decoded."""
    program = Program()
    async with (
        running(program, http=http, root_path="/root") as server,
        connect(url_of(server, "/%E6%B6%88%E6%81%AF/%FF")),
    ):
        pass

    assert program.scopes[0]["root_path"] == "/root"
    assert program.scopes[0]["path"] == "/root/消息/�"
    assert program.scopes[0]["raw_path"] == b"/root/%E6%B6%88%E6%81%AF/%FF"


@real
async def test_tls_is_told(http: str, tmp_path: Path) -> None:
    """Under TLS the scheme is wss, and what is sent arrives on every loop."""
    certificate = make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=certificate)
    program = Program()
    async with (
        running(program, http=http, ssl_certfile=certificate) as server,
        connect(url_of(server, scheme="wss"), ssl=trusting) as connection,
    ):
        await connection.send("发送数据" * 50_000)
        assert await connection.recv() == "发送数据" * 50_000

    assert program.scopes[0]["scheme"] == "wss"
    assert program.scopes[0]["client"] is not None


async def test_unix_sockets_have_paths(http: str, tmp_path: Path) -> None:
    """On a Unix socket the server is its path, and the client has no address."""
    program = Program()
    path = str(tmp_path / "uvicorn.sock")
    async with running(program, http=http, uds=path):
        reader, writer = await asyncio.open_unix_connection(path)
        assert (await open_plainly(reader, writer)).startswith(b"HTTP/1.1 101 ")
        writer.close()
        await writer.wait_closed()

    assert program.scopes[0]["server"] == (path, None)
    assert program.scopes[0]["client"] is None


async def test_lifespan_state_is_copied(http: str) -> None:
    """Each connection has its own copy of the lifespan's state, not of what is in it."""
    shared: list[str] = []

    class Living(Program):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                scope["state"]["number"] += 1
                scope["state"]["shared"].append("seen")
                await super().__call__(scope, receive, send)
                return
            scope["state"].update(number=1, shared=shared)
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})

    program = Living()
    async with running(program, http=http) as server:
        for _ in range(2):
            async with connect(url_of(server)):
                pass

    assert [scope["state"]["number"] for scope in program.scopes] == [2, 2]
    assert shared == ["seen", "seen"]


class Chat(WebSocketEndpoint):
    """A Starlette endpoint that speaks JSON."""

    encoding = "json"

    async def on_connect(self, websocket: WebSocket[Any]) -> None:
        """Accept with a greeting."""
        await websocket.accept(subprotocol="chat", headers=[(b"x-room", b"lobby")])
        await websocket.send_json({"hello": websocket.path_params["name"]})

    async def on_receive(self, websocket: WebSocket[Any], data: Any) -> None:
        """Send back what was said."""
        await websocket.send_json({"said": data})

    async def on_disconnect(self, websocket: WebSocket[Any], close_code: int) -> None:
        """Note the code."""
        websocket.app.state.codes.append(close_code)


async def deny(websocket: WebSocket[Any]) -> None:
    """Refuse with a response of our own."""
    await websocket.send_denial_response(JSONResponse({"error": "who are you?"}, status_code=401))


async def deny_slowly(websocket: WebSocket[Any]) -> None:
    """Refuse with a response whose body comes in parts."""
    await websocket.send_denial_response(StreamingResponse(iter(["who ", "are ", "you?"]), status_code=401))


async def iterate(websocket: WebSocket[Any]) -> None:
    """Send everything back, and note how it ended."""
    await websocket.accept()
    try:
        while True:
            await websocket.send_bytes(await websocket.receive_bytes())
    except WebSocketDisconnect as error:
        websocket.app.state.codes.append((error.code, error.reason))


@real
async def test_starlette_runs(http: str) -> None:
    """A Starlette program runs unchanged: endpoints, denial, and what it hears of the end."""
    app = Starlette(
        routes=[
            WebSocketRoute("/chat/{name}", Chat),
            WebSocketRoute("/deny", deny),
            WebSocketRoute("/deny-slowly", deny_slowly),
            WebSocketRoute("/bytes", iterate),
        ]
    )
    app.state.codes = []
    async with running(app, http=http) as server:
        async with connect(url_of(server, "/chat/爱丽丝"), subprotocols=["chat"]) as connection:
            assert await connection.recv() == '{"hello":"爱丽丝"}'
            await connection.send('{"number": 1}')
            assert await connection.recv() == '{"said":{"number":1}}'
            assert connection.response is not None
            assert connection.response.headers["X-Room"] == "lobby"
        async with connect(url_of(server, "/bytes")) as connection:
            await connection.send(b"\x00\xff")
            assert await connection.recv() == b"\x00\xff"
            await connection.close(3456, "enough")
        for path, status, body in [
            ("/deny", 401, b'{"error":"who are you?"}'),
            ("/deny-slowly", 401, b"who are you?"),
            ("/nowhere", 403, b"Forbidden"),
        ]:
            with pytest.raises(InvalidStatus) as caught:
                await connect(url_of(server, path))
            assert (caught.value.response.status_code, caught.value.response.body) == (status, body)

    assert app.state.codes == [1000, (3456, "enough")]


async def test_fastapi_runs(http: str) -> None:
    """A FastAPI program runs unchanged: parameters, and exceptions that close."""
    app = FastAPI()

    @app.websocket("/items/{number}")
    async def items(websocket: FastAPIWebSocket, number: int, token: str | None = None) -> None:
        if token is None:
            raise WebSocketException(code=1008)
        await websocket.accept()
        await websocket.send_text(f"{number} {token}")
        raise WebSocketException(code=4000, reason="no more")

    async with running(app, http=http) as server:
        async with connect(url_of(server, "/items/7?token=x")) as connection:
            assert await connection.recv() == "7 x"
            await connection.wait_closed()
            assert (connection.close_code, connection.close_reason) == (4000, "no more")
        for path in ("/items/7", "/items/x?token=x"):
            with pytest.raises(InvalidStatus, match="403"):
                await connect(url_of(server, path))


async def test_connection_is_asyncio_face(http: str) -> None:
    """The connection in the scope is one of the asyncio face, and its server knows all that are open."""
    program = Program()
    async with (
        running(program, http=http) as server,
        connect(url_of(server)) as one,
        connect(url_of(server)) as two,
    ):
        assert isinstance(program.connection.server, Server)
        assert program.connection.transport_kind == TRANSPORT
        assert len(program.connection.server.connections) == 2
        broadcast(program.connection.server.connections, "to all")
        assert [await one.recv(), await two.recv()] == ["to all", "to all"]
        await one.close()
        broadcast(program.connection.server.connections, "to the other")
        assert await two.recv() == "to the other"
        assert (await asyncio.gather(await program.connection.ping()))[0] < 1


async def test_nothing_is_left(http: str) -> None:
    """When its connections have ended, neither uvicorn nor our server keeps any of them or their tasks."""
    program = Program()
    async with running(program, http=http) as server:
        for _ in range(3):
            async with connect(url_of(server)):
                assert len(server.connections) == len(server.uvicorn.server_state.tasks) == 1
        with pytest.raises(InvalidStatus):
            await connect(url_of(server), additional_headers={"Sec-WebSocket-Version": "8"})
        await program.told()
        await asyncio.sleep(1)
        ours = program.connection.server
        assert not server.connections
        assert not server.uvicorn.server_state.tasks
        assert ours._tasks == set()
        assert ours._opening == {}
        assert ours._open == set()
        assert ours._admission._hosts == {}
        seen = weakref.ref(ours)
    program.scopes.clear()
    del ours, server
    gc.collect()

    assert seen() is None


async def test_import_string_is_taken(http: str) -> None:
    """uvicorn finds the protocol by its name, as its command line gives it."""
    async with (
        running(Program(), http=http, ws="fullduplex.asgi:UvicornProtocol") as server,
        connect(url_of(server)) as connection,
    ):
        await connection.send("here")
        assert await connection.recv() == "here"


@pytest.mark.parametrize(
    "options, servers, has_date",
    [
        ({}, ["uvicorn"], True),
        ({"server_header": False}, [], True),
        ({"date_header": False}, ["uvicorn"], False),
        ({"headers": [("Server", "one"), ("server", "two"), ("X-More", "yes")]}, ["one", "two"], True),
    ],
)
async def test_default_headers_are_added(
    options: dict[str, Any], servers: list[str], has_date: bool, http: str
) -> None:
    """uvicorn's default headers are in every response, whether it accepts or refuses."""
    refusing = Saying({"type": "websocket.close"})
    async with running(Program(), http=http, **options) as server, connect(url_of(server)) as connection:
        assert connection.response is not None
        accepted = connection.response.headers
    async with running(refusing, http=http, **options) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(url_of(server))

    for headers in (accepted, caught.value.response.headers):
        assert headers.get_all("Server") == servers
        assert len(headers.get_all("Date")) == has_date
        assert headers.get_all("X-More") == (["yes"] if "headers" in options else [])


async def test_own_headers_win(http: str) -> None:
    """A header that the program gives isn't there a second time."""
    program = Saying({"type": "websocket.accept", "headers": [(b"server", b"mine"), (b"date", b"today")]})
    async with running(program, http=http) as server, connect(url_of(server)) as connection:
        assert connection.response is not None
        assert connection.response.headers.get_all("Server") == ["mine"]
        assert connection.response.headers.get_all("Date") == ["today"]


async def test_accepting_is_logged(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A line in uvicorn's log says who asked for what, and hides the credentials in it."""
    caplog.set_level(logging.INFO, "uvicorn.error")
    address = "/a%20b?c=d&token=secret"
    async with running(Program(), http=http) as server, connect(url_of(server, address)) as connection:
        host, port = connection.local_address

    assert f'{host}:{port} - "WebSocket /a%20b?c=d&token=[hidden]" [accepted]' in caplog.messages


@pytest.mark.parametrize(
    "change, status",
    [
        ((b"Version: 13", b"Version: 8"), 426),
        ((b"AAAA==", b"AAAA"), 400),
        ((b"Host: localhost", b"Host: local host"), 400),
        ((b"Host", b"Sec-WebSocket-Protocol: a b\r\nHost"), 400),
        ((b"Host", b"X-Long: " + b"x" * 9000 + b"\r\nHost"), 431),
    ],
)
async def test_malformed_requests_are_refused(change: tuple[bytes, bytes], status: int, http: str) -> None:
    """A request that breaks a rule or a limit is refused by us, and the program isn't asked."""
    program = Program()
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        writer.write(REQUEST.replace(*change) + b"\r\n")
        assert (await reader.read()).startswith(f"HTTP/1.1 {status} ".encode())

    assert program.scopes == []


async def test_origins_are_programs_business(http: str) -> None:
    """A foreign origin with cookies is let in, as by uvicorn's own protocols."""
    headers = b"Origin: https://evil.example\r\nCookie: a=b\r\n"
    async with running(Program(), http=http) as server, plain_client(server) as (reader, writer):
        assert (await open_plainly(reader, writer, headers)).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    "origins, origin, cookie, status",
    [
        (["https://page.example"], "https://page.example", "a=b", 101),
        (["https://page.example"], "https://evil.example", None, 403),
        (["https://page.example"], None, None, 403),
        ([re.compile(r"https://\w+\.example"), None], None, None, 101),
        ([re.compile(r"https://\w+\.example"), None], "https://page.example.evil", None, 403),
        (None, "https://evil.example", None, 101),
        (None, "https://evil.example", "a=b", 403),
    ],
)
async def test_origins_are_checked_if_asked(
    origins: Any, origin: str | None, cookie: str | None, status: int, http: str
) -> None:
    """With ``origins`` a foreign page is refused before the program is asked; None is what ``serve`` does."""
    program = Program()
    protocol = UvicornProtocol.with_options(origins=origins)
    headers = b"".join(
        f"{name}: {value}\r\n".encode() for name, value in (("Origin", origin), ("Cookie", cookie)) if value
    )
    async with (
        running(program, http=http, ws=protocol) as server,
        plain_client(server) as (reader, writer),
    ):
        assert (await open_plainly(reader, writer, headers)).startswith(f"HTTP/1.1 {status} ".encode())

    assert len(program.scopes) == (status == 101)


async def test_proxies_are_believed(http: str) -> None:
    """What a trusted proxy says of client and scheme is in the scope."""
    program = Program()
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    async with (
        running(program, http=http, proxy_headers=True, forwarded_allow_ips="127.0.0.1") as server,
        connect(url_of(server), additional_headers=headers),
    ):
        pass

    assert program.scopes[0]["client"] == ("203.0.113.7", 0)
    assert program.scopes[0]["scheme"] == "wss"


async def test_context_may_be_fresh(http: str) -> None:
    """With ``reset_contextvars`` a program sees nothing of the context that the server was started in."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="fresh")
    seen: list[str] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append(variable.get())
        await send({"type": "websocket.accept"})

    variable.set("inherited")
    for options in ({}, {"reset_contextvars": True}):
        async with running(look, http=http, lifespan="off", **options) as server, connect(url_of(server)):
            pass

    assert seen == ["inherited", "fresh"]


async def test_size_is_limited(http: str) -> None:
    """A message over ``ws_max_size`` closes with 1009, which the program is told."""
    program = Program()
    async with running(program, http=http, ws_max_size=1000) as server, connect(url_of(server)) as connection:
        await connection.send("x" * 1000)
        assert await connection.recv() == "x" * 1000
        await connection.send("x" * 1001)
        with pytest.raises(ConnectionClosedError):
            await connection.recv()
        assert connection.close_code == 1009
        told = await program.told()

    assert told["code"] == 1009
    assert "limit of 1000 bytes" in told["reason"]


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
async def test_fragments_are_joined(opcode: Opcode, http: str) -> None:
    """A message in fragments is one for the program, and its size is that of all of them."""
    program = Program()
    part: Any = "x" * 600 if opcode is Opcode.TEXT else b"x" * 600
    async with (
        running(program, http=http, ws_max_size=2048) as server,
        connect(url_of(server), compression=None) as connection,
    ):
        await connection.send([part] * 3)
        assert await connection.recv() == part * 3
        await connection.send([part] * 4)
        await connection.wait_closed()
        assert connection.close_code == 1009

    kind = "text" if opcode is Opcode.TEXT else "bytes"
    assert program.received[1:-1] == [{"type": "websocket.receive", kind: part * 3}]
    assert program.received[-1]["code"] == 1009


@pytest.mark.parametrize(
    "data, code",
    [
        (b"\x81\x02hi", 1002),
        (client_frame(Opcode.TEXT, b"\xff"), 1007),
        (b"\xf1" + client_frame(Opcode.TEXT, b"")[1:], 1002),
    ],
    ids=["unmasked", "no text", "reserved bits"],
)
async def test_broken_rules_are_told(data: bytes, code: int, http: str) -> None:
    """A client that breaks a rule is told by which code, and so is the program."""
    program = Program()
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        await open_plainly(reader, writer)
        writer.write(data)
        answer = await reader.read()

    assert answer[:1] == b"\x88"
    assert int.from_bytes(answer[2:4], "big") == code
    assert program.received[-1]["code"] == code


async def test_late_frames_are_ignored(http: str) -> None:
    """Whatever follows a client's Close frame means nothing."""
    program = Program()
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        await open_plainly(reader, writer)
        late = client_frame(Opcode.PONG, b"") + client_frame(Opcode.TEXT, b"late")
        writer.write(client_frame(Opcode.CLOSE, b"\x03\xe8") + late)
        assert await reader.read() == b"\x88\x02\x03\xe8"
        await program.told()

    assert [message["type"] for message in program.received] == ["websocket.connect", "websocket.disconnect"]


async def test_sixteen_mebibytes_are_default(http: str) -> None:
    """Without the option a message may have 16 MiB, in which uvicorn's default differs from ours."""
    async with (
        running(Program(), http=http) as server,
        connect(url_of(server), max_size=None, compression=None) as connection,
    ):
        await connection.send(bytes(2**24))
        assert len(await connection.recv()) == 2**24


@real
async def test_queue_is_limited(http: str) -> None:
    """A program that doesn't receive stops the reading at ``ws_max_queue``, and gets everything later."""
    hold = asyncio.Event()

    class Holding(Saying):
        async def serve(self, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            await hold.wait()
            await super().serve(receive, send)

    program = Holding()
    async with (
        running(program, http=http, ws_max_queue=8) as server,
        connect(url_of(server), compression=None) as connection,
    ):
        for number in range(100):
            await connection.send(str(number))
        await until(lambda: program.connection.is_reading_paused)
        assert len(program.connection._inbox._entries) == 8
        hold.set()
        await connection.close()
        await program.told()

    assert [message["text"] for message in program.received[1:-1]] == [str(number) for number in range(100)]
    assert program.received[-1] == {"type": "websocket.disconnect", "code": 1000, "reason": ""}


@real
async def test_slow_clients_hold_up_senders(http: str) -> None:
    """A program that sends waits while its client reads nothing, and everything arrives at last."""
    sent: list[int] = []

    async def pour(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        for number in range(100):
            await send({"type": "websocket.send", "bytes": bytes([number]) * 1_000_000})
            sent.append(number)

    async with (
        running(pour, http=http, lifespan="off", ws_per_message_deflate=False) as server,
        connect(url_of(server), max_queue=1) as connection,
    ):
        for _ in range(1000):
            await asyncio.sleep(0)
        assert len(sent) < 50
        messages = [message async for message in connection]

    assert messages == [bytes([number]) * 1_000_000 for number in range(100)]


async def test_silent_clients_are_closed(http: str) -> None:
    """A ping goes out after ``ws_ping_interval``; after ``ws_ping_timeout`` of silence it is 1011."""
    program = Program()
    async with (
        running(program, http=http, ws_ping_interval=5, ws_ping_timeout=3) as server,
        connect(url_of(server), ping_interval=None) as living,
        plain_client(server) as (reader, writer),
    ):
        await open_plainly(reader, writer)
        begun = asyncio.get_running_loop().time()
        assert (await reader.readexactly(2))[0] == 0x89
        assert asyncio.get_running_loop().time() - begun == pytest.approx(5, abs=0.5)
        told = await program.told()
        assert asyncio.get_running_loop().time() - begun < 30
        assert living.state is State.OPEN

    assert (told["type"], told["code"]) == ("websocket.disconnect", 1011)


@pytest.mark.parametrize("interval", [None, 0, -1])
async def test_pings_may_be_off(interval: float | None, http: str) -> None:
    """Without an interval, or with one that is none, nothing is sent, and silence is no fault."""
    async with (
        running(Program(), http=http, ws_ping_interval=interval) as server,
        plain_client(server) as (reader, writer),
    ):
        await open_plainly(reader, writer)
        await asyncio.sleep(1000)
        writer.write(client_frame(Opcode.TEXT, b"still here"))
        assert await reader.readexactly(12) == b"\x81\x0astill here"


@pytest.mark.parametrize(
    "protocol, is_on, agreed",
    [
        (UvicornProtocol, True, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
        (UvicornProtocol, False, None),
        (
            UvicornProtocol.with_options(
                compression=PerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=10)
            ),
            True,
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
        ),
        (UvicornProtocol.with_options(compression=None), True, None),
    ],
)
async def test_compression_is_optional(protocol: Any, is_on: bool, agreed: str | None, http: str) -> None:
    """``ws_per_message_deflate`` switches compression, and the protocol's options say which."""
    async with (
        running(Program(), http=http, ws=protocol, ws_per_message_deflate=is_on) as server,
        connect(url_of(server)) as connection,
    ):
        assert connection.response is not None
        assert connection.response.headers.get("Sec-WebSocket-Extensions") == agreed
        await connection.send("compressible " * 1000)
        assert await connection.recv() == "compressible " * 1000


async def test_more_options_are_obeyed(http: str) -> None:
    """The other limits are those that the protocol was given."""
    protocol = UvicornProtocol.with_options(limits=Limits(message_rate=2), write_limit=(2000, 1000))
    program = Program()
    async with running(program, http=http, ws=protocol) as server, connect(url_of(server)) as connection:
        assert program.connection._settings.write_marks == (2000, 1000)
        for _ in range(3):
            await connection.send("?")
        await connection.wait_closed()

        assert connection.close_code == 1008


async def test_options_are_checked() -> None:
    """Options that don't exist are refused; the default protocol isn't changed by others."""
    UvicornProtocol.with_options(close_timeout=1)
    with pytest.raises(TypeError):
        UvicornProtocol.with_options(colour="blue")  # type: ignore[call-arg]

    assert UvicornProtocol._options.close_timeout == 10


@real
async def test_leaving_early_is_told(http: str) -> None:
    """A program that hasn't decided yet hears that its client has left; accepting raises then."""
    program = Undecided()
    async with running(program, http=http) as server:
        async with plain_client(server) as (_, writer):
            writer.write(REQUEST + b"\r\n")
            await program.begun.wait()
        await until(lambda: not server.connections)
        program.release.set()
        assert await program.told() == {"type": "websocket.disconnect", "code": 1006}

    assert len(program.raised) == 1


async def test_waiting_before_deciding(http: str) -> None:
    """A program may wait for a message before it decides: it is woken when the client leaves."""
    program = Saying()
    async with running(program, http=http) as server:
        async with plain_client(server) as (_, writer):
            writer.write(REQUEST + b"\r\n")
            await asyncio.sleep(1)
        assert await program.told() == {"type": "websocket.disconnect", "code": 1006}


async def test_waiting_reads_no_more(http: str) -> None:
    """However often a program asks for a message before it decides, no more is read."""
    kept: list[int] = []

    class Impatient(Program):
        async def serve(self, receive: Any, send: Any) -> None:
            await receive()
            for _ in range(5):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await receive()
                kept.append(len(self.connection.codec._head.rest()))
            await send({"type": "websocket.close"})

    program = Impatient()
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        writer.write(REQUEST + b"\r\n")
        await asyncio.sleep(0.5)
        writer.write(client_frame(Opcode.BINARY, bytes(60_000)) * 20)
        assert (await reader.read()).startswith(b"HTTP/1.1 403 ")

    assert 0 < kept[0] <= 65_536
    assert kept == kept[:1] * 5


@real
async def test_speaking_early_is_bounded(http: str) -> None:
    """A client that doesn't wait for the decision isn't read on, and loses nothing when it is accepted."""
    program = Undecided()
    frame = client_frame(Opcode.BINARY, bytes(60_000))
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        writer.write(REQUEST + b"\r\n")
        await program.begun.wait()
        writer.write(frame * 200)
        await until(lambda: program.connection.is_reading_paused)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(program.connection.codec._head.rest()) <= 65_536
        program.release.set()
        writer.write(client_frame(Opcode.CLOSE, b"\x03\xe8"))
        assert (await reader.read()).endswith(b"\x88\x02\x03\xe8")
        await program.told()

    assert len(program.received) == 202
    assert program.received[-1]["code"] == 1000


@real
async def test_shutdown_closes_connections(http: str) -> None:
    """When uvicorn shuts down, open connections are closed with 1012, of which both ends hear."""
    program = Program()
    async with running(program, http=http) as server:
        connections = [await connect(url_of(server)) for _ in range(3)]
    for connection in connections:
        await connection.wait_closed()

    assert [connection.close_code for connection in connections] == [1012] * 3
    ends = [message for message in program.received if message["type"] == "websocket.disconnect"]
    assert ends == [{"type": "websocket.disconnect", "code": 1012, "reason": ""}] * 3


async def test_shutdown_refuses_undecided(http: str) -> None:
    """Whoever waits for a decision then is refused with 503, and the program told of it."""
    program = Undecided()
    async with plain_client_of(program, http) as (server, reader):
        await program.begun.wait()
        ending = asyncio.create_task(server.uvicorn.shutdown())
        await asyncio.sleep(0)
        program.release.set()
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
    await ending

    assert await program.told() == {"type": "websocket.disconnect", "code": 1006}
    assert len(program.raised) == 1


@contextlib.asynccontextmanager
async def plain_client_of(program: Program, http: str) -> Any:
    """Run a program, and ask it for a WebSocket with nothing but TCP."""
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        writer.write(REQUEST + b"\r\n")
        yield server, reader


async def test_shutdown_waits_for_nobody(http: str) -> None:
    """A client that doesn't answer the closing is cut after the close time-out."""
    program = Program()
    loop = asyncio.get_running_loop()
    protocol = UvicornProtocol.with_options(close_timeout=4)
    async with contextlib.AsyncExitStack() as stack:
        async with running(program, http=http, ws=protocol) as server:
            reader, writer = await stack.enter_async_context(plain_client(server))
            await open_plainly(reader, writer)
            begun = loop.time()
        assert loop.time() - begun == pytest.approx(4, abs=1)

    assert await program.told() == {"type": "websocket.disconnect", "code": 1012, "reason": ""}


async def test_shutdown_waits_for_programs(http: str) -> None:
    """A program that has something left to do when its client has gone may do it."""
    done: list[float] = []

    class Thorough(Program):
        async def serve(self, receive: Any, send: Any) -> None:
            await super().serve(receive, send)
            await asyncio.sleep(7)
            done.append(asyncio.get_running_loop().time())

    program = Thorough()
    async with running(program, http=http) as server:
        async with connect(url_of(server)):
            pass
        await program.told()
        assert done == []

    assert len(done) == 1


@real
async def test_command_ends_in_order(http: str, tmp_path: Path) -> None:
    """``uvicorn --ws`` takes the protocol, and a signal ends it although connections are open."""
    (tmp_path / "program.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'websocket.accept'})\n"
        "    while (await receive())['type'] != 'websocket.disconnect':\n"
        "        pass\n"
    )
    options = ["--ws", "fullduplex.asgi:UvicornProtocol", "--http", http, "--port", "0", "--lifespan", "off"]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(tmp_path), "program:app", *options]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    lines = []
    while not (found := re.search(r"running on http://127\.0\.0\.1:(\d+)", lines[-1] if lines else "")):
        lines.append((await process.stderr.readline()).decode())
        assert lines[-1], lines
    connections = [await connect(f"ws://127.0.0.1:{found[1]}/") for _ in range(3)]
    process.terminate()
    for connection in connections:
        await connection.wait_closed()
    rest = await process.stderr.read()

    assert [connection.close_code for connection in connections] == [1012] * 3
    assert b"Finished server process" in rest
    assert b"Error" not in rest
    assert await process.wait() in (0, -signal.SIGTERM)


async def test_endless_programs_are_cancelled(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that goes on after the disconnect is cancelled at ``timeout_graceful_shutdown``."""
    cancelled: list[bool] = []

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async with running(endless, http=http, lifespan="off", timeout_graceful_shutdown=3) as server:
        connection = await connect(url_of(server))
    await connection.wait_closed()
    await asyncio.sleep(0)

    assert cancelled == [True]
    assert connection.close_code == 1012


async def test_pages_are_served_beside(http: str) -> None:
    """Plain HTTP on the same port stays uvicorn's, also on a connection that asks for a WebSocket later."""
    program = Program()

    async def both(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await program(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})

    async with (
        running(both, http=http, lifespan="off") as server,
        plain_client(server) as (reader, writer),
    ):
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        assert (await open_plainly(reader, writer)).startswith(b"HTTP/1.1 101 ")
        writer.write(client_frame(Opcode.TEXT, b"hi") + client_frame(Opcode.CLOSE, b""))
        assert await reader.readexactly(2) != b""


async def test_points_have_tests() -> None:
    """Each point of docs/asgi.md is there once and in order, with tests that there are."""
    tests = Path(__file__).parents[1]
    there = {
        name
        for place in (*tests.glob("asgi/test_*.py"), tests / "interop" / "test_channels.py")
        for name in re.findall(r"def (test_\w+)", place.read_text("utf-8"))
    }
    lines = (tests.parents[1] / "docs" / "asgi.md").read_text("utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if re.match(r"\| \d", line)]

    assert [row[0] for row in rows] == [f"| {number}" for number in range(1, 51)]
    for number, _, _, tests_named in rows:
        named = set(re.findall(r"`(test_\w+)`", tests_named))
        assert named, number
        assert named <= there, number
