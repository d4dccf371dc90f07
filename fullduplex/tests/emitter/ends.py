"""Event servers on this machine, who notes their events, and clients that have nothing but TCP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fullduplex.emitter import ServerWebSocket, WebSocketServer
from fullduplex.protocol.frames import Opcode, serialize_frame
from fullduplex.testing import VirtualTimeLoop

HEAD = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
)
REQUEST = HEAD + b"\r\n"


def virtually(main: Any) -> Any:
    """Run a coroutine function in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def client_frame(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    """Return a frame as a client sends it."""
    return serialize_frame(opcode, payload, fin=True, rsv=0, masked=True)


def port_of(server: WebSocketServer) -> int:
    """Return the port that a server listens on."""
    port: int = server.address()[1]
    return port


def url_of(server: WebSocketServer, path: str = "/", scheme: str = "ws") -> str:
    """Return the address of a server."""
    return f"{scheme}://localhost:{port_of(server)}{path}"


def serving(**options: Any) -> WebSocketServer:
    """Return a server on a free port of this machine."""
    return WebSocketServer(host="localhost", port=0, **options)


@contextlib.asynccontextmanager
async def plain_client(server: WebSocketServer) -> AsyncIterator[tuple[Any, Any]]:
    """Connect with nothing but TCP."""
    reader, writer = await asyncio.open_connection("localhost", port_of(server))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def plain_websocket(server: WebSocketServer, *headers: str) -> AsyncIterator[tuple[Any, Any]]:
    """Connect with nothing but TCP, and have the opening handshake done."""
    async with plain_client(server) as (reader, writer):
        writer.write(HEAD + "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        yield reader, writer


class Recorder:
    """Notes every event of a server and of its connections, in order."""

    def __init__(self, server: WebSocketServer) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self.connections: list[ServerWebSocket] = []
        server.on("connection", self._connected)

    def _connected(self, ws: ServerWebSocket, request: Any) -> None:
        self.connections.append(ws)
        for event in ("message", "ping", "pong", "close", "error"):
            ws.on(event, lambda *arguments, event=event: self.events.put_nowait((event, *arguments)))
        self.events.put_nowait(("connection", request.path))

    async def take(self, count: int) -> list[Any]:
        """Return the next events."""
        return [await self.events.get() for _ in range(count)]

    async def taken(self) -> ServerWebSocket:
        """Return the next connection."""
        assert (await self.events.get())[0] == "connection"
        return self.connections[-1]
