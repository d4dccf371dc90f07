"""What tests of the browser's face talk with: a recorder of events on our side, plain TCP on the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fullduplex.browser import WebSocket
from fullduplex.testing import VirtualTimeLoop

from ..aio.ends import Talk, accept_plainly, plain_server, url_of

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


@contextlib.asynccontextmanager
async def plain_address(talk: Talk) -> AsyncIterator[str]:
    """Serve nothing but TCP; give the address."""
    async with plain_server(talk) as server:
        yield url_of(server)


def saying(data: bytes, headers: bytes = b"", *, size: int = -1) -> Talk:
    """Return a conversation: accept, say this, and listen until the end or for ``size`` bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader, headers) + data)
        await reader.read(size)

    return talk
