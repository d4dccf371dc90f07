"""A WebSocket by hand: bytes that no library would send, and the close code that answers them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from hubbub import wire

TEXT: Final = 0x1
CLOSE: Final = 0x8
ABNORMAL: Final = 1006
"""There was no Close frame."""
_MASK: Final = bytes(4)
"""Masks by nothing, so that a payload is sent as it is."""


def request(address: str) -> bytes:
    """Return the opening handshake's request."""
    return (
        f"GET /v1/realtime HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {wire.SUBPROTOCOL}\r\n\r\n"
    ).encode()


def frame(
    payload: bytes, first: int = 0x80 | TEXT, *, claimed: int | None = None, masked: bool = True
) -> bytes:
    """Return a frame whose first byte is this, and which may claim another length than it has."""
    size, bit = len(payload) if claimed is None else claimed, 0x80 if masked else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 2**16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + (_MASK if masked else b"") + payload


class Bytewise:
    """The client's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, some: bytes) -> None:
        """Say bytes, unless nobody takes them any more; that is found out by reading."""
        if not self.writer.is_closing():
            with suppress(ConnectionError):
                self.writer.write(some)
                await self.writer.drain()

    async def say(self, said: wire.Request) -> None:
        """Say what a client may say."""
        await self.send(frame(wire.encode(said).text.encode()))

    async def shake(self, address: str) -> None:
        """Open the WebSocket."""
        await self.send(request(address))
        await self.reader.readuntil(b"\r\n\r\n")

    async def hear(self) -> tuple[int, bytes]:
        """Return the opcode and payload of the next frame."""
        first, size = await self.reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        return first & 0xF, await self.reader.readexactly(size)

    async def wait_closed(self) -> int:
        """Pass over what is said, and return the code by which the connection is closed."""
        try:
            while True:
                opcode, payload = await self.hear()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return ABNORMAL


@asynccontextmanager
async def reach(address: str) -> AsyncIterator[Bytewise]:
    """Connect to a server, and say nothing yet."""
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        yield Bytewise(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
