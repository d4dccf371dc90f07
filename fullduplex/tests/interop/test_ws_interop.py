"""Conversations with npm's ws and with Node's own client: both directions, through each of our faces."""

import asyncio
import contextlib
import inspect
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Self

import pytest

from fullduplex import ConnectionClosed, PayloadTooBig, WebSocket, WebSocketServer, connect, serve

SIZES = [0, 1, 125, 126, 65535, 65536, 2**20]
TEXTS = ["发送数据", *("x" * size for size in SIZES), "据" * (2**20 // 3)]
MESSAGES: list[str | bytes] = [*TEXTS, *(random.Random(size).randbytes(size) for size in SIZES)]

# Each refers to the ones before, near and far, when a context is taken over.
NOISE = random.Random(7).randbytes(3000).hex()
SIMILAR: list[str | bytes] = [NOISE, NOISE, NOISE[500:] + NOISE[:500], "", NOISE.encode(), NOISE * 10, NOISE]

# Every code that a program may send, one of each kind, with a reason as long as it may be.
ENDINGS = [(1000, ""), (1000, "再见"), (1001, "going"), (3000, "x"), (4999, "x" * 123)]

# Node 20 has its own client behind this flag, later ones have it anyway.
FLAGS = ["--experimental-websocket"]

StartPeer = Callable[..., AbstractAsyncContextManager[Any]]


class Ours:
    """What the tests see of our side, whichever its face."""

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.connections: asyncio.Queue[Any] = asyncio.Queue()
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.endings: asyncio.Queue[tuple[int, str]] = asyncio.Queue()


Serving = Callable[..., AbstractAsyncContextManager[Ours]]
Connecting = Callable[..., AbstractAsyncContextManager[Ours]]


@contextlib.asynccontextmanager
async def asyncio_server(
    *, compress: bool = True, subprotocols: list[str] | None = None
) -> AsyncIterator[Ours]:
    """Echo with `serve`."""

    async def echo(connection: Any) -> None:
        ours.connections.put_nowait(connection)
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send(await connection.recv())
        ours.endings.put_nowait((connection.close_code, connection.close_reason))

    compression = "deflate" if compress else None
    async with serve(echo, "127.0.0.1", 0, compression=compression, subprotocols=subprotocols) as server:
        ours = Ours(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        yield ours


@contextlib.asynccontextmanager
async def event_server(
    *, compress: bool = True, subprotocols: list[str] | None = None
) -> AsyncIterator[Ours]:
    """Echo with `WebSocketServer`."""
    options: Any = {"perMessageDeflate": compress, "subprotocols": subprotocols}
    wss = WebSocketServer(host="127.0.0.1", port=0, **options)

    @wss.on("connection")
    def connected(ws: Any, request: Any) -> None:
        ours.connections.put_nowait(ws)
        ws.on("message", lambda message, is_binary: ws.send(message))
        ws.on("close", lambda code, reason: ours.endings.put_nowait((code, reason)))

    async with wss:
        ours = Ours(f"ws://127.0.0.1:{wss.address()[1]}/")
        yield ours


@contextlib.asynccontextmanager
async def asyncio_client(address: str, *, subprotocols: list[str] | None = None) -> AsyncIterator[Ours]:
    """Connect with `connect`."""
    async with connect(address, subprotocols=subprotocols) as connection:

        async def receive() -> None:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    ours.messages.put_nowait(await connection.recv())
            ours.endings.put_nowait((connection.close_code, connection.close_reason))

        ours = Ours()
        ours.connections.put_nowait(connection)
        receiving = asyncio.create_task(receive())
        yield ours
    await receiving


@contextlib.asynccontextmanager
async def browser_client(address: str, *, subprotocols: list[str] | None = None) -> AsyncIterator[Ours]:
    """Connect with `WebSocket`."""
    ours = Ours()
    opened = asyncio.Event()
    ended = asyncio.Event()

    def onclose(event: Any) -> None:
        ours.endings.put_nowait((event.code, event.reason))
        opened.set()
        ended.set()

    ws = WebSocket(address, subprotocols)
    ws.onopen = lambda event: opened.set()
    ws.onmessage = lambda event: ours.messages.put_nowait(event.data)
    ws.onclose = onclose
    await opened.wait()
    assert ws.readyState == WebSocket.OPEN
    ours.connections.put_nowait(ws)
    yield ours
    ws.close()
    await ended.wait()


@pytest.fixture(params=[asyncio_server, event_server])
def serving(request: pytest.FixtureRequest) -> Serving:
    """Our server, through each of its faces."""
    face: Serving = request.param
    return face


@pytest.fixture(params=[asyncio_client, browser_client])
def connecting(request: pytest.FixtureRequest) -> Connecting:
    """Our client, through each of its faces."""
    face: Connecting = request.param
    return face


@pytest.fixture(params=[True, False], ids=["compressed", "plain"])
def compress(request: pytest.FixtureRequest) -> bool:
    """Whether the other side offers, or accepts, permessage-deflate."""
    wanted: bool = request.param
    return wanted


async def do(result: object) -> None:
    """Wait for what one face has as a coroutine and another as a plain method."""
    if inspect.isawaitable(result):
        await result


async def test_server_echoes_every_size(serving: Serving, start_peer: StartPeer, compress: bool) -> None:
    """Messages of ws's client come back as they were: text and binary, empty and large."""
    async with serving() as ours, start_peer("client.js", ours.address, [], options(compress)) as peer:
        opened = await peer.told("open")
        assert ("permessage-deflate" in opened["extensions"]) is compress

        for message in MESSAGES:
            peer.say(message)
            assert await peer.heard() == message


async def test_server_declines_compression(serving: Serving, start_peer: StartPeer) -> None:
    """A server told not to compress declines ws's offer, and talks plainly."""
    async with serving(compress=False) as ours, start_peer("client.js", ours.address) as peer:
        assert (await peer.told("open"))["extensions"] == ""
        peer.say("发送数据")
        assert await peer.heard() == "发送数据"


async def test_server_joins_fragments(serving: Serving, start_peer: StartPeer, compress: bool) -> None:
    """A message in parts is one message, though a ping comes between two of them."""
    async with serving() as ours, start_peer("client.js", ours.address, [], options(compress)) as peer:
        await peer.told("open")
        peer.say("发送", fin=False)
        peer.say("", fin=False)
        peer.command("ping", "between")
        peer.say("数据", fin=True)
        assert await peer.told("pong") == {"text": "between"}
        assert await peer.heard() == "发送数据"


async def test_server_pings_client(serving: Serving, start_peer: StartPeer) -> None:
    """A ping of ours reaches ws's client."""
    async with serving() as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        connection = await ours.connections.get()
        await do(connection.ping(b"hello"))
        assert await peer.told("ping") == {"text": "hello"}


async def test_server_chooses_subprotocol(serving: Serving, start_peer: StartPeer) -> None:
    """Both sides agree on a subprotocol that both know."""
    async with (
        serving(subprotocols=["chat.v2", "chat.v1"]) as ours,
        start_peer("client.js", ours.address, ["chat.v1", "other"]) as peer,
    ):
        assert (await peer.told("open"))["protocol"] == "chat.v1"


@pytest.mark.parametrize("code, reason", ENDINGS)
async def test_client_closes_ours(serving: Serving, start_peer: StartPeer, code: int, reason: str) -> None:
    """The code and reason that ws's client closes with reach our program, and come back."""
    async with serving() as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        peer.command("close", code, reason)
        assert await ours.endings.get() == (code, reason)
        assert await peer.told("close") == {"code": code, "reason": reason}


@pytest.mark.parametrize("code, reason", ENDINGS)
async def test_server_closes_client(serving: Serving, start_peer: StartPeer, code: int, reason: str) -> None:
    """The code and reason that our server closes with reach ws's client, and come back."""
    async with serving() as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        connection = await ours.connections.get()
        await do(connection.close(code, reason))
        assert await peer.told("close") == {"code": code, "reason": reason}
        assert await ours.endings.get() == (code, reason)


async def test_close_without_code(serving: Serving, start_peer: StartPeer) -> None:
    """An empty close frame is 1005 on either side."""
    async with serving() as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        peer.command("close")
        assert await ours.endings.get() == (1005, "")
        assert await peer.told("close") == {"code": 1005, "reason": ""}


async def test_loss_of_client(serving: Serving, start_peer: StartPeer) -> None:
    """A client that is gone without a word is 1006."""
    async with serving() as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        peer.command("terminate")
        assert await ours.endings.get() == (1006, "")


async def test_client_sends_every_size(connecting: Connecting, start_peer: StartPeer, compress: bool) -> None:
    """Our messages reach ws's server as they were, and come back so."""
    async with serving_peer(start_peer, compress) as (peer, address), connecting(address) as ours:
        told = await peer.told("connection")
        assert ("permessage-deflate" in told["extensions"]) is compress
        connection = await ours.connections.get()

        for message in MESSAGES:
            await do(connection.send(message))
            assert await peer.heard() == message
            assert await ours.messages.get() == message


async def test_client_joins_fragments(connecting: Connecting, start_peer: StartPeer, compress: bool) -> None:
    """A message that ws's server sends in parts is one message, though a ping comes between two of them."""
    async with serving_peer(start_peer, compress) as (peer, address), connecting(address) as ours:
        await peer.told("connection")
        peer.say(b"\x00\x01", fin=False)
        peer.command("ping", "between")
        peer.say(b"", fin=False)
        peer.say(b"\xff", fin=True)
        assert await peer.told("pong") == {"text": "between"}
        assert await ours.messages.get() == b"\x00\x01\xff"


async def test_client_offers_subprotocols(connecting: Connecting, start_peer: StartPeer) -> None:
    """Our client speaks the subprotocol that ws's server chose."""
    async with (
        serving_peer(start_peer, True, "chat.v1") as (peer, address),
        connecting(address, subprotocols=["chat.v2", "chat.v1"]) as ours,
    ):
        assert (await peer.told("connection"))["protocol"] == "chat.v1"
        connection = await ours.connections.get()
        assert "chat.v1" in (getattr(connection, "protocol", None), getattr(connection, "subprotocol", None))


@pytest.mark.parametrize("code, reason", ENDINGS)
async def test_server_closes_ours(
    connecting: Connecting, start_peer: StartPeer, code: int, reason: str
) -> None:
    """The code and reason that ws's server closes with reach our program, and come back."""
    async with serving_peer(start_peer, True) as (peer, address), connecting(address) as ours:
        await peer.told("connection")
        peer.command("close", code, reason)
        assert await ours.endings.get() == (code, reason)
        assert await peer.told("close") == {"code": code, "reason": reason}


@pytest.mark.parametrize("code, reason", [(1000, "再见"), (3000, ""), (4999, "x" * 123)])
async def test_client_closes_server(
    connecting: Connecting, start_peer: StartPeer, code: int, reason: str
) -> None:
    """The code and reason that our client closes with reach ws's server, and come back."""
    async with serving_peer(start_peer, True) as (peer, address), connecting(address) as ours:
        await peer.told("connection")
        connection = await ours.connections.get()
        await do(connection.close(code, reason))
        assert await peer.told("close") == {"code": code, "reason": reason}
        assert await ours.endings.get() == (code, reason)


async def test_loss_of_server(connecting: Connecting, start_peer: StartPeer) -> None:
    """A server that is gone without a word is 1006."""
    async with serving_peer(start_peer, True) as (peer, address), connecting(address) as ours:
        await peer.told("connection")
        peer.command("terminate")
        assert await ours.endings.get() == (1006, "")


async def test_client_pings_server(start_peer: StartPeer) -> None:
    """A ping of ours reaches ws's server, and its pong comes back with a latency."""
    async with serving_peer(start_peer, True) as (peer, address), connect(address) as connection:
        await peer.told("connection")
        pong = await connection.ping(b"hello")
        assert await peer.told("ping") == {"text": "hello"}
        assert await pong > 0


NEGOTIATIONS: list[dict[str, Any]] = [
    {"serverNoContextTakeover": True},
    {"clientNoContextTakeover": True},
    {"serverMaxWindowBits": 9},
    {"clientMaxWindowBits": 10},
    {"serverMaxWindowBits": 15, "clientMaxWindowBits": 15},
    {"serverNoContextTakeover": True, "clientNoContextTakeover": True, "serverMaxWindowBits": 10},
]


@pytest.mark.parametrize("wanted", NEGOTIATIONS, ids="-".join)
async def test_server_heeds_parameters(
    serving: Serving, start_peer: StartPeer, wanted: dict[str, Any]
) -> None:
    """Whatever ws's client asks of compression, messages like earlier ones come back as they were."""
    settings = {"perMessageDeflate": {**wanted, "threshold": 0}}
    async with serving() as ours, start_peer("client.js", ours.address, [], settings) as peer:
        assert "permessage-deflate" in (await peer.told("open"))["extensions"]
        for message in SIMILAR:
            peer.say(message)
            assert await peer.heard() == message


@pytest.mark.parametrize("wanted", NEGOTIATIONS, ids="-".join)
async def test_client_heeds_parameters(
    connecting: Connecting, start_peer: StartPeer, wanted: dict[str, Any]
) -> None:
    """Whatever ws's server asks of compression, messages like earlier ones arrive as they were."""
    async with (
        serving_peer(start_peer, {**wanted, "threshold": 0}) as (peer, address),
        connecting(address) as ours,
    ):
        assert "permessage-deflate" in (await peer.told("connection"))["extensions"]
        connection = await ours.connections.get()
        for message in SIMILAR:
            await do(connection.send(message))
            assert await peer.heard() == message
            assert await ours.messages.get() == message


async def test_builtin_client_converses(serving: Serving, start_peer: StartPeer) -> None:
    """Node's own WebSocket echoes with our server, in the browser's words."""
    async with (
        serving(subprotocols=["chat.v1"]) as ours,
        start_peer(
            "builtin_client.js", ours.address, ["chat.v1"], flags=["--experimental-websocket"]
        ) as peer,
    ):
        assert (await peer.told("open"))["protocol"] == "chat.v1"
        for message in MESSAGES:
            peer.say(message)
            assert await peer.heard() == message
        peer.command("close", 4000, "再见")
        assert await ours.endings.get() == (4000, "再见")
        assert await peer.told("close") == {"code": 4000, "reason": "再见"}


# What only the event face has, as ws's client sees it.


class Events:
    """A `WebSocketServer` and what it and its connections tell."""

    def __init__(self, **options: Any) -> None:
        self.wss = WebSocketServer(**({"host": "127.0.0.1", "port": 0} | options))
        self.connections: asyncio.Queue[Any] = asyncio.Queue()
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.wss.on("connection", self._connected)

    def _connected(self, ws: Any, request: Any) -> None:
        for event in ("message", "ping", "pong", "error", "close"):
            ws.on(event, lambda *details, event=event: self.told.put_nowait((event, *details)))
        self.connections.put_nowait(ws)

    @property
    def address(self) -> str:
        return f"ws://127.0.0.1:{self.wss.address()[1]}/"

    async def __aenter__(self) -> Self:
        await self.wss.wait_listening()
        return self

    async def __aexit__(self, *details: object) -> None:
        self.wss.close()
        await self.wss.wait_closed()


DEFLATE_OPTIONS: list[dict[str, Any]] = [
    *NEGOTIATIONS,
    {"zlibDeflateOptions": {"level": 9, "memLevel": 9}, "threshold": 1},
    {"threshold": 2**20},
]


@pytest.mark.parametrize("wanted", DEFLATE_OPTIONS, ids="-".join)
async def test_event_server_asks_parameters(start_peer: StartPeer, wanted: dict[str, Any]) -> None:
    """Whatever our server is told of compression in ws's words, ws's client understands."""
    settings = {"perMessageDeflate": {"threshold": 0}}
    async with (
        Events(perMessageDeflate=wanted) as ours,
        start_peer("client.js", ours.address, [], settings) as peer,
    ):
        assert (await peer.told("open"))["extensions"] == "permessage-deflate"
        ws = await ours.connections.get()
        assert ws.extensions == "permessage-deflate"
        for message in SIMILAR:
            peer.say(message)
            assert await ours.told.get() == ("message", message, isinstance(message, bytes))
            ws.send(message)
            assert await peer.heard() == message


@pytest.mark.parametrize("compressing", [True, False], ids=["compressed", "plain"])
async def test_event_server_sends_parts(start_peer: StartPeer, compressing: bool) -> None:
    """What is sent with `fin=False` is one message to ws's client, a ping between its parts or not."""
    async with (
        Events(perMessageDeflate=compressing) as ours,
        start_peer("client.js", ours.address) as peer,
    ):
        await peer.told("open")
        ws = await ours.connections.get()
        ws.send("发送", fin=False)
        ws.ping("between")
        ws.send("数据", fin=False)
        ws.send("")
        assert await peer.told("ping") == {"text": "between"}
        assert await peer.heard() == "发送数据"
        assert await ours.told.get() == ("pong", b"between")


async def test_event_server_chooses_type(start_peer: StartPeer) -> None:
    """`binary` and `compress` are what ws's client gets, and a callback hears when it was written."""
    async with Events(perMessageDeflate=True) as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        ws = await ours.connections.get()
        written: asyncio.Queue[Any] = asyncio.Queue()
        ws.send("发送数据", written.put_nowait, binary=True, compress=True)
        ws.send("发送数据".encode(), written.put_nowait, binary=False, compress=False)
        assert [await peer.heard(), await peer.heard()] == ["发送数据".encode(), "发送数据"]
        assert [await written.get(), await written.get()] == [None, None]


async def test_event_server_leaves_pongs(start_peer: StartPeer) -> None:
    """Without `autoPong` the only pong that ws's client gets is the program's."""
    async with Events(autoPong=False) as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        ws = await ours.connections.get()
        peer.command("ping", "hello")
        assert await ours.told.get() == ("ping", b"hello")
        ws.pong("from the program")
        assert await peer.told("pong") == {"text": "from the program"}


async def test_event_server_pauses(start_peer: StartPeer) -> None:
    """While a connection is paused nothing of ws's client is heard, and all of it afterwards."""
    async with Events() as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        ws = await ours.connections.get()
        ws.pause()
        peer.say("one")
        peer.say("two")
        ws.ping("round trip")
        assert await peer.told("ping") == {"text": "round trip"}
        assert ours.told.empty()
        ws.resume()
        heard = [(await ours.told.get())[1] for _ in range(3)]
        heard.remove(b"round trip")
        assert heard == ["one", "two"]


async def test_event_server_handles_protocols(start_peer: StartPeer) -> None:
    """`handleProtocols` chooses what ws's client then speaks."""
    async with (
        Events(handleProtocols=lambda protocols, request: protocols[1]) as ours,
        start_peer("client.js", ours.address, ["chat.v1", "other"]) as peer,
    ):
        assert (await peer.told("open"))["protocol"] == "other"
        assert (await ours.connections.get()).protocol == "other"


async def verify_late(info: Any) -> tuple[bool, int]:
    """Refuse everyone, after some time."""
    await asyncio.sleep(0)
    return False, 403


REFUSALS: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    ({"verifyClient": lambda info: info.origin == "https://example.org"}, {}, 401),
    ({"verifyClient": verify_late}, {"origin": "https://example.org"}, 403),
    ({"path": "/chat"}, {}, 400),
    ({}, {"protocolVersion": 8}, 426),
]


@pytest.mark.parametrize("options, theirs, status", REFUSALS)
async def test_event_server_refuses(
    start_peer: StartPeer, options: dict[str, Any], theirs: dict[str, Any], status: int
) -> None:
    """ws's client hears why it isn't let in."""
    async with Events(**options) as ours, start_peer("client.js", ours.address, [], theirs) as peer:
        assert await peer.told("refused") == {"status": status}
        assert ours.connections.empty()


async def test_event_server_verifies_origin(start_peer: StartPeer) -> None:
    """ws's client is let in with the origin that `verifyClient` wants."""
    options: Any = {"verifyClient": lambda info: info.origin == "https://example.org" and not info.secure}
    theirs = {"origin": "https://example.org"}
    async with Events(**options) as ours, start_peer("client.js", ours.address, [], theirs) as peer:
        await peer.told("open")


async def test_event_server_tells_wrong_clients(start_peer: StartPeer) -> None:
    """A client of an old version is a "wsClientError", and what a listener answers is what it hears."""

    def answer(error: Any, transport: Any, request: Any) -> None:
        ours.told.put_nowait(request.headers["Sec-WebSocket-Version"])
        transport.write(b"HTTP/1.1 418 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        transport.close()

    async with Events() as ours:
        ours.wss.on("wsClientError", answer)
        async with start_peer("client.js", ours.address, [], {"protocolVersion": 8}) as peer:
            assert await peer.told("refused") == {"status": 418}
            assert await ours.told.get() == "8"


async def test_event_server_limits_payload(start_peer: StartPeer) -> None:
    """What is over `maxPayload` is an "error" here, and 1009 at ws's client."""
    async with Events(maxPayload=10) as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        peer.say("x" * 11)
        assert await peer.told("close") == {
            "code": 1009,
            "reason": "message with 11 bytes exceeds the limit of 10 bytes",
        }
        event, error = await ours.told.get()
        assert (event, type(error)) == ("error", PayloadTooBig)
        assert await ours.told.get() == ("close", 1006, "")


async def test_event_server_needs_no_port(start_peer: StartPeer) -> None:
    """Two servers without one share another's port; ws's client reaches each by its path."""

    class Router(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            server = servers[data.split(b" ")[1]].wss
            server.handleUpgrade(
                data, self.transport, b"", lambda *opened: server.emit("connection", *opened)
            )

    async with (
        Events(noServer=True, port=None) as one,
        Events(noServer=True, port=None) as other,
        await asyncio.get_running_loop().create_server(Router, "127.0.0.1", 0) as listening,
    ):
        servers = {b"/one": one, b"/other": other}
        port = listening.sockets[0].getsockname()[1]
        for path, server in (("/one", one), ("/other", other)):
            async with start_peer("client.js", f"ws://127.0.0.1:{port}{path}") as peer:
                await peer.told("open")
                ws = await server.connections.get()
                peer.say("发送数据")
                assert await server.told.get() == ("message", "发送数据", False)
                ws.close(4000, path)
                assert await peer.told("close") == {"code": 4000, "reason": path}


async def test_event_servers_share_loop(start_peer: StartPeer) -> None:
    """Two servers in one loop have clients of their own, and one's end isn't the other's."""
    async with (
        Events() as one,
        Events() as other,
        start_peer("client.js", one.address) as first,
        start_peer("client.js", other.address) as second,
    ):
        await first.told("open")
        await second.told("open")
        one.wss.close(1012, "restart", over=0.01)
        assert await first.told("close") == {"code": 1012, "reason": "restart"}
        second.say("still here")
        assert await other.told.get() == ("message", "still here", False)


async def test_event_server_cuts(start_peer: StartPeer) -> None:
    """`terminate` is 1006 at ws's client and here."""
    async with Events() as ours, start_peer("client.js", ours.address) as peer:
        await peer.told("open")
        (await ours.connections.get()).terminate()
        assert await peer.told("close") == {"code": 1006, "reason": ""}
        assert await ours.told.get() == ("close", 1006, "")


def options(compress: bool | dict[str, Any]) -> dict[str, Any]:
    """Return ws's options for a peer that does, or does not, compress."""
    return {"perMessageDeflate": compress}


@contextlib.asynccontextmanager
async def serving_peer(
    start_peer: StartPeer, compress: bool | dict[str, Any], *subprotocols: str
) -> AsyncIterator[tuple[Any, str]]:
    """Start ws's server; yield it and its address."""
    async with start_peer("server.js", options(compress), subprotocols) as peer:
        yield peer, f"ws://127.0.0.1:{(await peer.told('listening'))['port']}/"
