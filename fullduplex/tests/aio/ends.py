"""What tests have at one end of a connection when its other end is what they test."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fullduplex.exceptions import ConnectionClosed
from fullduplex.protocol.frames import Opcode, serialize_frame

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def echo(connection: Any) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


async def obey(connection: Any) -> None:
    """Send every message back, and close as a message says: "close 4001 why"."""
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            if isinstance(message, str) and message.startswith("close "):
                _, code, reason = message.split(" ", 2)
                await connection.close(int(code), reason)
            else:
                await connection.send(message)


def port_of(server: Any) -> int:
    """Return the port that a server listens on."""
    port: int = server.sockets[0].getsockname()[1]
    return port


def url_of(server: Any, path: str = "/", scheme: str = "ws") -> str:
    """Return the address of a server."""
    return f"{scheme}://localhost:{port_of(server)}{path}"


def client_frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return a frame as a client sends it."""
    return serialize_frame(opcode, payload, fin=True, rsv=0, masked=True)


@contextlib.asynccontextmanager
async def plain_client(server: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a server with nothing but TCP."""
    reader, writer = await asyncio.open_connection("localhost", port_of(server))
    try:
        yield reader, writer
    finally:
        await end(writer)


async def end(writer: asyncio.StreamWriter) -> None:
    """Close a plain connection, if it is still open."""
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def open_plainly(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, more: bytes = b""
) -> bytes:
    """Open a WebSocket connection on a plain one, and return the response."""
    writer.write(REQUEST + more + b"\r\n")
    return await reader.readuntil(b"\r\n\r\n")


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def plain_server(talk: Talk) -> AsyncIterator[asyncio.Server]:
    """Serve nothing but TCP, and end every conversation with the block."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(converse, "localhost", 0)
    try:
        yield server
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations)


async def accept_plainly(reader: asyncio.StreamReader, more: bytes = b"") -> bytes:
    """Read a client's request, and return the response that accepts it."""
    request = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:-2])
    accept = base64.b64encode(hashlib.sha1(lines[b"Sec-WebSocket-Key"] + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n" + more + b"\r\n"
    )
