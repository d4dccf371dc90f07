"""What only the event face has, as ws's client on Node sees it."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import pytest

from fullduplex import PayloadTooBig, WebSocketServer

from .content import NEGOTIATIONS, SIMILAR
from .theirs import CLIENTS

ws_client = CLIENTS["ws"].start


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
async def test_event_server_asks_parameters(wanted: dict[str, Any]) -> None:
    """Whatever our server is told of compression in ws's words, ws's client understands."""
    async with (
        Events(perMessageDeflate=wanted) as ours,
        ws_client(ours.address, deflate={"threshold": 0}) as peer,
    ):
        assert (await peer.told("open"))["extensions"] == "permessage-deflate"
        ws = await ours.connections.get()
        assert ws.extensions == "permessage-deflate"
        for message in SIMILAR:
            await peer.say(message)
            assert await ours.told.get() == ("message", message, isinstance(message, bytes))
            ws.send(message)
            assert await peer.heard() == message


@pytest.mark.parametrize("compressing", [True, False], ids=["compressed", "plain"])
async def test_event_server_sends_parts(compressing: bool) -> None:
    """What is sent with `fin=False` is one message to ws's client, a ping between its parts or not."""
    async with (
        Events(perMessageDeflate=compressing) as ours,
        ws_client(ours.address) as peer,
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


async def test_event_server_chooses_type() -> None:
    """`binary` and `compress` are what ws's client gets, and a callback hears when it was written."""
    async with Events(perMessageDeflate=True) as ours, ws_client(ours.address) as peer:
        await peer.told("open")
        ws = await ours.connections.get()
        written: asyncio.Queue[Any] = asyncio.Queue()
        ws.send("发送数据", written.put_nowait, binary=True, compress=True)
        ws.send("发送数据".encode(), written.put_nowait, binary=False, compress=False)
        assert [await peer.heard(), await peer.heard()] == ["发送数据".encode(), "发送数据"]
        assert [await written.get(), await written.get()] == [None, None]


async def test_event_server_leaves_pongs() -> None:
    """Without `autoPong` the only pong that ws's client gets is the program's."""
    async with Events(autoPong=False) as ours, ws_client(ours.address) as peer:
        await peer.told("open")
        ws = await ours.connections.get()
        await peer.command("ping", "hello")
        assert await ours.told.get() == ("ping", b"hello")
        ws.pong("from the program")
        assert await peer.told("pong") == {"text": "from the program"}


async def test_event_server_pauses() -> None:
    """While a connection is paused nothing of ws's client is heard, and all of it afterwards."""
    async with Events() as ours, ws_client(ours.address) as peer:
        await peer.told("open")
        ws = await ours.connections.get()
        ws.pause()
        await peer.say("one")
        await peer.say("two")
        ws.ping("round trip")
        assert await peer.told("ping") == {"text": "round trip"}
        assert ours.told.empty()
        ws.resume()
        heard = [(await ours.told.get())[1] for _ in range(3)]
        heard.remove(b"round trip")
        assert heard == ["one", "two"]


async def test_event_server_handles_protocols() -> None:
    """`handleProtocols` chooses what ws's client then speaks."""
    async with (
        Events(handleProtocols=lambda protocols, request: protocols[1]) as ours,
        ws_client(ours.address, ["chat.v1", "other"]) as peer,
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
async def test_event_server_refuses(options: dict[str, Any], theirs: dict[str, Any], status: int) -> None:
    """ws's client hears why it isn't let in."""
    async with Events(**options) as ours, ws_client(ours.address, **theirs) as peer:
        assert await peer.told("refused") == {"status": status}
        assert ours.connections.empty()


async def test_event_server_verifies_origin() -> None:
    """ws's client is let in with the origin that `verifyClient` wants."""
    options: Any = {"verifyClient": lambda info: info.origin == "https://example.org" and not info.secure}
    theirs = {"origin": "https://example.org"}
    async with Events(**options) as ours, ws_client(ours.address, **theirs) as peer:
        await peer.told("open")


async def test_event_server_tells_wrong_clients() -> None:
    """A client of an old version is a "wsClientError", and what a listener answers is what it hears."""

    def answer(error: Any, transport: Any, request: Any) -> None:
        ours.told.put_nowait(request.headers["Sec-WebSocket-Version"])
        transport.write(b"HTTP/1.1 418 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        transport.close()

    async with Events() as ours:
        ours.wss.on("wsClientError", answer)
        async with ws_client(ours.address, protocolVersion=8) as peer:
            assert await peer.told("refused") == {"status": 418}
            assert await ours.told.get() == "8"


async def test_event_server_limits_payload() -> None:
    """What is over `maxPayload` is an "error" here, and 1009 at ws's client."""
    async with Events(maxPayload=10) as ours, ws_client(ours.address) as peer:
        await peer.told("open")
        await peer.say("x" * 11)
        assert await peer.told("close") == {
            "code": 1009,
            "reason": "message with 11 bytes exceeds the limit of 10 bytes",
        }
        event, error = await ours.told.get()
        assert (event, type(error)) == ("error", PayloadTooBig)
        assert await ours.told.get() == ("close", 1006, "")


async def test_event_server_needs_no_port() -> None:
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
            async with ws_client(f"ws://127.0.0.1:{port}{path}") as peer:
                await peer.told("open")
                ws = await server.connections.get()
                await peer.say("发送数据")
                assert await server.told.get() == ("message", "发送数据", False)
                ws.close(4000, path)
                assert await peer.told("close") == {"code": 4000, "reason": path}


async def test_event_servers_share_loop() -> None:
    """Two servers in one loop have clients of their own, and one's end isn't the other's."""
    async with (
        Events() as one,
        Events() as other,
        ws_client(one.address) as first,
        ws_client(other.address) as second,
    ):
        await first.told("open")
        await second.told("open")
        one.wss.close(1012, "restart", over=0.01)
        assert await first.told("close") == {"code": 1012, "reason": "restart"}
        await second.say("still here")
        assert await other.told.get() == ("message", "still here", False)


async def test_event_server_cuts() -> None:
    """`terminate` is 1006 at ws's client and here."""
    async with Events() as ours, ws_client(ours.address) as peer:
        await peer.told("open")
        (await ours.connections.get()).terminate()
        assert await peer.told("close") == {"code": 1006, "reason": ""}
        assert await ours.told.get() == ("close", 1006, "")
