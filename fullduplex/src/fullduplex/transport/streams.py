"""Bytes moved by asyncio: works on every loop and system, with TLS and without.

This module knows asyncio's transports.  It doesn't know what the bytes mean.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["StreamProtocol"]

#: What one read takes at most: of empty frames, this holds the loop for 23 ms; four times as much, for 94.
READ_SIZE = 64 * 1024
#: A loop reads for one connection at a time, and what is read is used up before
#: the next read: all connections of a loop share one buffer.
_buffers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, bytearray] = weakref.WeakKeyDictionary()


def _buffer_for(loop: asyncio.AbstractEventLoop) -> bytearray:
    if sys.platform == "win32":
        # The proactor loop has reads of many connections under way at once.
        return bytearray(READ_SIZE)
    buffer = _buffers.get(loop)
    if buffer is None:
        buffer = _buffers[loop] = bytearray(READ_SIZE)
    return buffer


class StreamProtocol(asyncio.BufferedProtocol):
    """Gives one connection the events of its asyncio transport."""

    __slots__ = ("_buffer", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._buffer = memoryview(_buffer_for(connection.loop))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the transport to the connection."""
        # Not every loop's transports are subclasses: uvloop's only have the methods.
        self.connection.connection_made(cast(asyncio.Transport, transport))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was read."""
        self.connection.data_received(self._buffer[:nbytes])

    def data_received(self, data: bytes) -> None:
        """Pass on what someone else has read."""
        self.connection.data_received(data)

    def eof_received(self) -> None:
        """Pass on that the peer has shut down its side; asyncio then closes ours."""
        self.connection.eof_received()

    def pause_writing(self) -> None:
        """Pass on that the write buffer is above its high-water mark."""
        self.connection.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the write buffer is below its low-water mark."""
        self.connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the transport is gone."""
        self.connection.connection_lost(exc)
