"""The asyncio face's connection: coroutines and an iterator.

It adds to the connection under all faces a queue of received messages, which
stops the reading when it is full, and futures for those who wait.

Invariants:

1. Messages are given out once, in the order in which they arrived.
2. Cancelling any method at any point loses no message and leaves the connection whole.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NoReturn, Self, TypeAlias

from ..close import CloseCode
from ..exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK
from ..kernels.pure import ReadableBuffer
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.frames import Opcode
from ..protocol.http11 import Response
from ..protocol.server import ServerConnection as ServerProtocol
from ..protocol.server import plain_response
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker, Settings

if TYPE_CHECKING:
    from .server import Server

__all__ = ["ClientConnection", "Connection", "Message", "ServerConnection"]

#: What is sent and received: text as ``str``, binary as bytes.
Message: TypeAlias = str | ReadableBuffer


def payload_of(message: Message) -> tuple[Opcode, ReadableBuffer]:
    """Return the opcode and the bytes of a message.

    Raises:
        TypeError: if it is neither ``str`` nor bytes-like.
    """
    if isinstance(message, str):
        return Opcode.TEXT, message.encode()
    if isinstance(message, bytes | bytearray):
        return Opcode.BINARY, message
    if isinstance(message, memoryview):
        return Opcode.BINARY, message.cast("B") if message.c_contiguous else message.tobytes()
    raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}")


class Connection(BaseConnection):
    """A WebSocket connection for coroutines.

    Iterating gives messages until the connection closes; a clean close ends
    the iteration, any other raises ``ConnectionClosedError``.
    """

    def __init__(
        self,
        protocol: ServerProtocol | ClientProtocol,
        handshaker: Handshaker,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        *,
        max_queue: int | None = 16,
    ) -> None:
        super().__init__(protocol, handshaker, settings, loop)
        #: Names the connection in logs.
        self.id = uuid.uuid4()
        self._messages: deque[str | bytes] = deque()
        self._max_queue = max_queue
        self._receiver: asyncio.Future[None] | None = None
        self._pings: dict[bytes, tuple[asyncio.Future[float], float]] = {}
        self._closed: asyncio.Future[None] = loop.create_future()
        # A broken rule that waits until what came before it is answered.
        self._failure: tuple[int, str] | None = None
        self._failure_timer: asyncio.TimerHandle | None = None

    @property
    def protocol(self) -> ServerProtocol | ClientProtocol:
        """The protocol without input or output below this connection."""
        return self.codec

    # Receiving

    async def recv(self) -> str | bytes:
        """Wait for the next message: ``str`` for text, ``bytes`` for binary.

        Messages that arrived before the connection closed are still given out.
        Cancelling loses no message.

        Raises:
            ConnectionClosed: when the connection is closed and nothing is left.
            ConcurrencyError: if another task is in ``recv`` already.
        """
        while not self._messages:
            self._fail_if_due()
            if self._closed.done():
                raise self.codec.close_exception
            if self._receiver is not None:
                raise ConcurrencyError("another task is waiting in recv() on this connection")
            self._receiver = self.loop.create_future()
            try:
                await self._receiver
            finally:
                self._receiver = None
        message = self._messages.popleft()
        if (
            self.is_reading_paused
            and self._max_queue is not None
            and len(self._messages) <= self._max_queue // 4
        ):
            self.resume_reading()
        return message

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return

    # Sending

    async def send(self, message: Message) -> None:
        """Send a message: text if it is ``str``, binary if it is bytes-like.

        Waits only while the write buffer is above its high-water mark; the
        message itself is taken at once, so cancelling doesn't take it back.
        ``message`` is copied.

        Raises:
            ConnectionClosed: if the connection closes while waiting, or is closed; while it is
                closing, once it is known how that ends.
            TypeError: if ``message`` is neither ``str`` nor bytes-like.
        """
        try:
            self.send_nowait(message)
        except ConnectionClosed:
            await self._tell_closed()
        if self._is_writing_paused:
            await self.drain()

    def send_nowait(self, message: Message) -> None:
        """Send a message without ever waiting; see ``buffered_amount`` and ``drain``.

        Raises:
            ConnectionClosed: if the connection is closing or closed.
            TypeError: if ``message`` is neither ``str`` nor bytes-like.
        """
        opcode, data = payload_of(message)
        self.send_message(opcode, data)

    async def ping(self, data: Message | None = None) -> asyncio.Future[float]:
        """Send a ping and return a future of its latency in seconds.

        Without ``data``, which takes at most 125 bytes, four random bytes
        go out.  The future fails with ``ConnectionClosed`` when no pong can
        come any more.

        Raises:
            ConnectionClosed: if the connection is closing or closed.
            ConcurrencyError: if a ping with the same data is under way.
        """
        payload = os.urandom(4) if data is None else bytes(payload_of(data)[1])
        if payload in self._pings:
            raise ConcurrencyError("a ping with the same data is under way")
        try:
            self.send_ping(payload)
        except ConnectionClosed:
            await self._tell_closed()
        latency: asyncio.Future[float] = self.loop.create_future()
        # Whoever isn't interested in the outcome isn't told of it.
        latency.add_done_callback(_look_at_exception)
        self._pings[payload] = (latency, self.loop.time())
        await self.drain()
        return latency

    async def pong(self, data: Message = b"") -> None:
        """Send a pong that nobody asked for, with at most 125 bytes.

        Raises:
            ConnectionClosed: if the connection is closing or closed.
        """
        try:
            self.send_pong(bytes(payload_of(data)[1]))
        except ConnectionClosed:
            await self._tell_closed()
        await self.drain()

    async def _tell_closed(self) -> NoReturn:
        # Until the peer has answered our Close frame, a clean end looks like a failure.
        await self.wait_closed()
        raise self.codec.close_exception

    # Closing

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and wait until it is closed.

        What was sent goes out first; messages that still arrive can be
        received, but those that find the queue full are dropped.  If the peer
        doesn't answer within the close time-out, the transport is cut.
        Calling it again waits, and changes nothing.  Cancelling leaves the
        closing to end by itself.

        Raises:
            LocalProtocolError: for a code that may not be sent (7.4), or a reason over 123 bytes.
        """
        self.start_close(code, reason)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed; returns at once if it is."""
        await asyncio.shield(self._closed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        await self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)

    # What arrives

    def message_received(self, data: str | bytes) -> None:
        """Queue a message, and stop reading when there are enough."""
        is_full = self._max_queue is not None and len(self._messages) + 1 >= self._max_queue
        is_closing = self.codec.lifecycle.sent is not None
        if not (is_full and is_closing):
            self._messages.append(data)
            self._wake_receiver()
        if is_full and not is_closing:
            self.pause_reading()

    def rule_broken(self, code: int, reason: str) -> None:
        """Fail the connection, but let messages that came before be answered first.

        That is when the next one is asked for, when the program closes, or
        after the close time-out.
        """
        if not self._messages:
            super().rule_broken(code, reason)
            return
        self._failure = code, reason
        if self._settings.close_timeout is not None:
            self._failure_timer = self.loop.call_later(self._settings.close_timeout, self._fail_if_due)

    def start_close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Begin the closing handshake, unless the peer broke a rule: then fail."""
        self._fail_if_due()
        super().start_close(code, reason)

    def _fail_if_due(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self.fail(*failure)

    def pong_received(self, data: bytes) -> None:
        """Answer the ping that this pong is for, and those before it (5.5.3)."""
        if data not in self._pings:
            return
        now = self.loop.time()
        for payload in list(self._pings):
            latency, sent_at = self._pings.pop(payload)
            if not latency.done():
                latency.set_result(now - sent_at)
            if payload == data:
                break

    def closed(self, exc: Exception | None) -> None:
        """Tell everyone who waits."""
        self._failure = None
        if self._failure_timer is not None:
            self._failure_timer.cancel()
        if not self._closed.done():
            self._closed.set_result(None)
        self._wake_receiver()
        for latency, _ in self._pings.values():
            if not latency.done():
                latency.set_exception(self.codec.close_exception)
        self._pings.clear()

    def _wake_receiver(self) -> None:
        if self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)


class ClientConnection(Connection):
    """A connection that ``connect`` opened."""


class ServerConnection(Connection):
    """A connection that a server accepted.

    ``server`` is that server; ``username`` is set by who authenticates, and None without it.
    """

    def __init__(
        self,
        protocol: ServerProtocol,
        server: Server[ServerConnection],
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        *,
        max_queue: int | None = 16,
    ) -> None:
        super().__init__(protocol, server, settings, loop, max_queue=max_queue)
        self.server = server
        self.username: str | None = None

    def respond(self, status: int, text: str) -> Response:
        """Make a plain-text response for ``process_request`` to return."""
        return plain_response(status, text)

    def closed(self, exc: Exception | None) -> None:
        """Tell everyone who waits, and the server."""
        super().closed(exc)
        self.server.connection_closed(self)


def _look_at_exception(future: asyncio.Future[float]) -> None:
    if not future.cancelled():
        future.exception()
