"""What tests of the browser's face talk with: a recorder of events on our side, plain TCP on the other."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fullduplex.browser import WebSocket
from fullduplex.testing import VirtualTimeLoop

CONNECTING, OPEN, CLOSING, CLOSED = range(4)


class Recorder:
    """Notes a WebSocket's events, each with the state in which it came and what it brings."""

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws
        self.seen: list[Any] = []
        self.event: dict[str, Any] = {}
        self.closed = asyncio.Event()
        self._is_open = asyncio.Event()
        ws.addEventListener("open", self._note)
        ws.addEventListener("message", lambda event: self._note(event, event.data))
        ws.addEventListener("error", self._note)
        ws.addEventListener(
            "close", lambda event: self._note(event, event.code, event.reason, event.wasClean)
        )

    def _note(self, event: Any, *details: Any) -> None:
        self.event[event.type] = event
        self.seen.append((event.type, int(self.ws.readyState), *details))
        if event.type == "close":
            self.closed.set()
        if event.type != "message":
            self._is_open.set()

    async def opened(self) -> WebSocket:
        """Wait until the connection is open."""
        await self._is_open.wait()
        assert self.seen[0] == ("open", OPEN)
        return self.ws

    async def end(self) -> list[Any]:
        """Wait for the end, and return what was seen."""
        await self.closed.wait()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.seen


FAILED = [("error", CLOSED), ("close", CLOSED, 1006, "", False)]


def virtually(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine function in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def plain_server(talk: Talk) -> AsyncIterator[str]:
    """Serve nothing but TCP; give the address."""
    tasks: set[Any] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(converse, "localhost", 0)
    try:
        yield f"ws://localhost:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


async def accept(reader: asyncio.StreamReader, more: bytes = b"") -> bytes:
    """Read a request, and return the response that accepts it."""
    request = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:-2])
    key = lines[b"Sec-WebSocket-Key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return (
        b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + base64.b64encode(hashlib.sha1(key).digest())
        + b"\r\n"
        + more
        + b"\r\n"
    )


def saying(data: bytes, headers: bytes = b"", *, size: int = -1) -> Talk:
    """Return a conversation: accept, say this, and listen until the end or for ``size`` bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader, headers) + data)
        await reader.read(size)

    return talk
