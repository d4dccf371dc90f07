"""Our side of the conversations with others: every face in the same few words.

A `Line` is one connection of ours, and `Serving` and `Connecting` make them.  Servers echo unless they
are told not to, let nobody in at `/forbidden`, and say `X-Ours: yes` in their answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from fullduplex import (
    ConnectionClosed,
    PerMessageDeflateFactory,
    WebSocket,
    WebSocketServer,
    connect,
    emitter,
    serve,
)

from ..aio.certificate import contexts
from .theirs import Deflate, Peer, address_of, python_names

# Bytes that wait when the network and a peer that has paused take no more.
ENOUGH = 2**22


class Line:
    """What a test sees of one connection of ours, and does with it."""

    # Whether `send` waits for a slow peer.
    waits = True
    # What the browser's face can't do.
    pause: Callable[[], None]
    resume: Callable[[], None]
    abort: Callable[[], None]

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.endings: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    @property
    def protocol(self) -> str:
        """The subprotocol agreed."""
        protocol: str = self.connection.protocol
        return protocol

    @property
    def extensions(self) -> str:
        """The extensions agreed."""
        extensions: str = self.connection.extensions
        return extensions

    @property
    def waiting(self) -> int:
        """Bytes that the network hasn't taken yet."""
        amount: int = self.connection.bufferedAmount
        return amount

    def push(self, message: str | bytes) -> None:
        """Send without waiting."""
        self.connection.send(message)

    async def send(self, message: str | bytes) -> None:
        """Send, and wait until the network takes it if the face can do so."""
        self.push(message)

    async def close(self, *code_and_reason: Any) -> None:
        """Begin to close."""
        self.connection.close(*code_and_reason)

    async def fills_and_drains(self, peer: Peer) -> None:
        """Send more than a peer that has paused, and the network, can take; see it arrive when it goes on."""
        count = 0
        while self.waiting < ENOUGH:
            self.push(bytes(2**16))
            count += 1
            await asyncio.sleep(0)
        last = asyncio.create_task(self.send("last"))
        await asyncio.sleep(0)
        assert last.done() is not self.waits
        await peer.command("resume")
        assert [await peer.heard() for _ in range(count)] == [bytes(2**16)] * count
        assert await peer.heard() == "last"
        await last
        assert self.waiting == 0

    async def holds_off(self, peer: Peer) -> None:
        """Read nothing, until what a peer sends waits with it; then take it all."""
        self.pause()
        try:
            await peer.command("flood")
            count = (await peer.told("flooded"))["count"]
            assert 0 < count < 1024
            assert self.messages.empty()
        finally:
            self.resume()
        assert {await self.messages.get() for _ in range(count)} == {bytes(2**16)}


class AsyncioLine(Line):
    """A connection of `connect` or `serve`."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._flows = asyncio.Event()
        self._flows.set()
        self.pause, self.resume, self.abort = self._flows.clear, self._flows.set, connection.abort

    @property
    def protocol(self) -> str:
        return self.connection.subprotocol or ""

    @property
    def extensions(self) -> str:
        extensions: str = self.connection.response.headers.get("Sec-WebSocket-Extensions", "")
        return extensions

    @property
    def waiting(self) -> int:
        amount: int = self.connection.buffered_amount
        return amount

    async def hear(self, *, echo: bool = False) -> None:
        """Receive until the end."""
        connection = self.connection
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = await connection.recv()
                await self._flows.wait()
                self.messages.put_nowait(message)
                if echo:
                    await connection.send(message)
        self.endings.put_nowait((connection.close_code, connection.close_reason))

    def push(self, message: str | bytes) -> None:
        self.connection.send_nowait(message)

    async def send(self, message: str | bytes) -> None:
        await self.connection.send(message)

    async def close(self, *code_and_reason: Any) -> None:
        await self.connection.close(*code_and_reason)

    async def ping(self, data: bytes) -> None:
        """Send a ping, and wait for its pong."""
        assert await (await self.connection.ping(data)) > 0


class EventLine(Line):
    """A connection of the event face."""

    def __init__(self, ws: Any, *, echo: bool = False) -> None:
        super().__init__(ws)
        self.pause, self.resume, self.abort = ws.pause, ws.resume, ws.terminate
        self._pongs: asyncio.Queue[bytes] = asyncio.Queue()
        ws.on("message", lambda message, is_binary: self.messages.put_nowait(message))
        if echo:
            ws.on("message", lambda message, is_binary: ws.send(message, binary=is_binary))
        ws.on("pong", self._pongs.put_nowait)
        ws.on("close", lambda code, reason: self.endings.put_nowait((code, reason)))

    async def send(self, message: str | bytes) -> None:
        taken: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.connection.send(message, taken.set_result)
        assert await taken is None

    async def ping(self, data: bytes) -> None:
        """Send a ping, and wait for its pong."""
        self.connection.ping(data)
        assert await self._pongs.get() == data


class BrowserLine(Line):
    """A connection of the browser's face."""

    waits = False

    def __init__(self, ws: Any) -> None:
        super().__init__(ws)
        ws.onmessage = lambda event: self.messages.put_nowait(event.data)
        ws.onclose = lambda event: self.endings.put_nowait((event.code, event.reason))


def compression_of(deflate: Deflate) -> PerMessageDeflateFactory | str | None:
    """Return what the other faces call `perMessageDeflate`."""
    if isinstance(deflate, Mapping):
        return PerMessageDeflateFactory(**python_names(deflate))
    return "deflate" if deflate else None


# Our servers.


class Ours:
    """A server of ours: where it is, and who came with which request."""

    def __init__(self) -> None:
        self.address = ""
        self.lines: asyncio.Queue[Any] = asyncio.Queue()
        self.requests: asyncio.Queue[Any] = asyncio.Queue()

    def add(self, line: Line, request: Any) -> None:
        """Keep a connection for the test."""
        self.lines.put_nowait(line)
        self.requests.put_nowait(request)


Serving = Callable[..., AbstractAsyncContextManager[Ours]]


@contextlib.asynccontextmanager
async def asyncio_server(
    *,
    deflate: Deflate = True,
    subprotocols: Sequence[str] | None = None,
    limit: int = 2**20,
    certificate: Path | None = None,
    echo: bool = True,
) -> AsyncIterator[Ours]:
    """Serve with `serve`."""
    ours = Ours()

    async def converse(connection: Any) -> None:
        line = AsyncioLine(connection)
        ours.add(line, connection.request)
        await line.hear(echo=echo)

    def admit(connection: Any, request: Any) -> Any:
        return connection.respond(401, "no") if request.path == "/forbidden" else None

    def add_header(connection: Any, request: Any, response: Any) -> None:
        response.headers["X-Ours"] = "yes"

    async with serve(
        converse,
        "127.0.0.1",
        0,
        compression=compression_of(deflate),
        subprotocols=subprotocols,
        max_size=limit,
        process_request=admit,
        process_response=add_header,
        ssl=contexts(certificate)[0] if certificate else None,
    ) as server:
        ours.address = address_of(server.sockets[0].getsockname()[1], certificate)
        yield ours


@contextlib.asynccontextmanager
async def event_server(
    *,
    deflate: Deflate = True,
    subprotocols: Sequence[str] | None = None,
    limit: int = 2**20,
    certificate: Path | None = None,
    echo: bool = True,
) -> AsyncIterator[Ours]:
    """Serve with `WebSocketServer`."""
    ours = Ours()
    async with WebSocketServer(
        host="127.0.0.1",
        port=0,
        perMessageDeflate=deflate,
        subprotocols=subprotocols,
        maxPayload=limit,
        verifyClient=lambda info: info.req.path != "/forbidden",
        ssl=contexts(certificate)[0] if certificate else None,
    ) as wss:
        wss.on("connection", lambda ws, request: ours.add(EventLine(ws, echo=echo), request))
        wss.on("headers", lambda headers, request: headers.append("X-Ours: yes"))
        ours.address = address_of(wss.address()[1], certificate)
        yield ours


SERVERS: dict[str, Serving] = {"asyncio": asyncio_server, "events": event_server}


# Our clients.

Connecting = Callable[..., AbstractAsyncContextManager[Any]]


@contextlib.asynccontextmanager
async def asyncio_client(
    address: str,
    subprotocols: Sequence[str] | None = None,
    *,
    deflate: Deflate = True,
    limit: int = 2**20,
    headers: Mapping[str, str] | None = None,
    certificate: Path | None = None,
) -> AsyncIterator[AsyncioLine]:
    """Connect with `connect`."""
    async with connect(
        address,
        subprotocols=subprotocols,
        compression=compression_of(deflate),
        max_size=limit,
        additional_headers=headers,
        ssl=contexts(certificate)[1] if certificate else None,
    ) as connection:
        line = AsyncioLine(connection)
        hearing = asyncio.create_task(line.hear())
        yield line
    await hearing


@contextlib.asynccontextmanager
async def browser_client(
    address: str,
    subprotocols: Sequence[str] | None = None,
    *,
    deflate: Deflate = True,
    limit: int = 2**20,
    headers: Mapping[str, str] | None = None,
    certificate: Path | None = None,
) -> AsyncIterator[BrowserLine]:
    """Connect with the browser's `WebSocket`; raise what it fails by."""
    options: dict[str, Any] = {"ssl": contexts(certificate)[1]} if certificate else {}
    ws = WebSocket(
        address,
        subprotocols,
        compression=compression_of(deflate),
        max_size=limit,
        additional_headers=headers,
        **options,
    )
    line = BrowserLine(ws)
    opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ws.onopen = lambda event: opened.set_result(None)
    ws.onerror = lambda event: opened.set_exception(event.error)
    await opened
    ws.onerror = None
    try:
        yield line
    finally:
        await ws.aclose()


@contextlib.asynccontextmanager
async def event_client(
    address: str,
    subprotocols: Sequence[str] | None = None,
    *,
    deflate: Deflate = True,
    limit: int = 2**20,
    headers: Mapping[str, str] | None = None,
    certificate: Path | None = None,
) -> AsyncIterator[EventLine]:
    """Connect with the events' `WebSocket`."""
    ws = emitter.WebSocket(
        address,
        subprotocols,
        perMessageDeflate=deflate,
        maxPayload=limit,
        headers=headers,
        ssl=contexts(certificate)[1] if certificate else None,
    )
    line = EventLine(ws)
    async with ws:
        yield line


CLIENTS: dict[str, Connecting] = {
    "asyncio": asyncio_client,
    "browser": browser_client,
    "events": event_client,
}
