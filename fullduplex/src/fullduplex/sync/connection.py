"""The blocking face's connection: the asyncio face's, called from any thread.

It knows which of its methods wait, and keeps what was received for a call
that was interrupted.  It doesn't know the protocol, or how calls get to the
event loop.

Invariants:

1. Only the loop's thread does anything to the connection; others read what there is to know of it.
2. A call that is interrupted loses no message: what it had received already is received again.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeVar

from ..aio.connection import ClientConnection as AsyncConnection
from ..aio.connection import Message
from ..close import CloseCode
from ..exceptions import ConnectionClosedOK
from ..protocol.http11 import Request, Response
from ..protocol.states import State
from ..transport.native import TransportKind
from .background import PULSE, Background

__all__ = ["ClientConnection", "MessageStream", "PendingPong"]

T = TypeVar("T")

_END: Any = object()


class _Drawn(AsyncIterator[Message]):
    """Items for the loop, which are drawn from an iterable by the thread that sends them."""

    def __init__(self, items: Iterable[Message], loop: asyncio.AbstractEventLoop) -> None:
        self._items = iter(items)
        self._loop = loop
        self._wanted: SimpleQueue[asyncio.Future[Any] | None] = SimpleQueue()

    async def __anext__(self) -> Message:
        wanted: asyncio.Future[Any] = self._loop.create_future()
        self._wanted.put(wanted)
        item = await wanted
        if item is _END:
            raise StopAsyncIteration
        result: Message = item
        return result

    def draw(self) -> None:
        """Draw items as they are wanted, until no more are."""
        while (wanted := self._wait_wanted()) is not None:
            self._loop.call_soon_threadsafe(_give, wanted, next(self._items, _END))

    def _wait_wanted(self) -> asyncio.Future[Any] | None:
        while True:
            try:
                return self._wanted.get(timeout=PULSE)
            except Empty:
                pass

    def end(self) -> None:
        """Let ``draw`` return."""
        self._wanted.put(None)


def _give(wanted: asyncio.Future[Any], item: object) -> None:
    if not wanted.done():
        wanted.set_result(item)


class PendingPong:
    """The pong that a ping asks for."""

    def __init__(self, connection: ClientConnection, latency: asyncio.Future[float]) -> None:
        self._connection = connection
        self._latency = latency

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the pong; False if it isn't there after ``timeout`` seconds.

        Raises:
            ConnectionClosed: if the connection closed before.
        """
        return self._connection._call(lambda: _in_time(asyncio.shield(self._latency), timeout))

    def is_set(self) -> bool:
        """Tell whether the pong is there."""
        return self._latency.done() and self._latency.exception() is None

    @property
    def latency(self) -> float | None:
        """Seconds from the ping to the pong; None without one."""
        return self._latency.result() if self.is_set() else None


async def _in_time(condition: Awaitable[object], seconds: float | None) -> bool:
    """Wait for something; tell whether it was there in time."""
    try:
        async with asyncio.timeout(seconds):
            await condition
    except TimeoutError:
        return False
    return True


class MessageStream(Iterator[str | bytes]):
    """One message, received piece by piece; ``ClientConnection.recv_streaming`` makes it."""

    def __init__(self, connection: ClientConnection, decode: bool | None) -> None:
        self._connection = connection
        self._decode = decode
        self._pieces: AsyncIterator[str | bytes] | None = None
        self._kept: deque[str | bytes | None] = deque()

    def __next__(self) -> str | bytes:
        piece = self._connection._call(self._next_piece, self._kept.append)
        if piece is None:
            raise StopIteration
        return piece

    async def _next_piece(self) -> str | bytes | None:
        if self._kept:
            return self._kept.popleft()
        if self._pieces is None:
            self._pieces = self._connection._stream(self._decode)
        return await anext(self._pieces, None)


class ClientConnection:
    """A WebSocket connection whose methods wait; ``connect`` opens it.

    Any thread may call any method: many may send, one may receive.
    ``KeyboardInterrupt``, in whatever method, leaves the connection open and
    loses no message; only what was begun to be sent in fragments can't be taken
    back, and the connection is closed with code 1011 then.

    Iterating gives messages until the connection closes; a clean close ends
    the iteration, any other raises ``ConnectionClosedError``.  As a context it
    closes itself, with code 1011 after an exception.

    What is open when the interpreter ends is closed with code 1001, and cut
    after a second.  A forked process can't use its parent's connections.
    """

    def __init__(self, connection: AsyncConnection, background: Background) -> None:
        self._connection = connection
        self._background = background
        # Messages received by calls that were interrupted.
        self._kept: deque[str | bytes] = deque()

    # What there is to know

    @property
    def id(self) -> uuid.UUID:
        """Names the connection in logs."""
        return self._connection.id

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """The logger of its client; records have the connection below it as ``websocket``."""
        return self._connection.logger

    @property
    def state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED."""
        return self._connection.state

    @property
    def request(self) -> Request | None:
        """The opening handshake's request."""
        return self._connection.request

    @property
    def response(self) -> Response | None:
        """The opening handshake's response."""
        return self._connection.response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol agreed, if any."""
        return self._connection.subprotocol

    @property
    def latency(self) -> float:
        """Seconds that the last keepalive ping took to come back; 0 until one did."""
        return self._connection.latency

    @property
    def close_code(self) -> int | None:
        """The peer's close code, 1006 if it sent none; None until the connection is closed (7.1.5)."""
        return self._connection.close_code

    @property
    def close_reason(self) -> str | None:
        """The peer's close reason; None until the connection is closed (7.1.6)."""
        return self._connection.close_reason

    @property
    def local_address(self) -> Any:
        """Our end of the transport, as the socket tells it."""
        return self._connection.local_address

    @property
    def remote_address(self) -> Any:
        """The peer's end of the transport, as the socket tells it."""
        return self._connection.remote_address

    @property
    def transport_kind(self) -> TransportKind | None:
        """What moves its bytes: "engine", the native one, or "asyncio", a transport of the loop."""
        return self._connection.transport_kind

    # Receiving

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> str | bytes:
        """Wait for the next message: ``str`` for text, ``bytes`` for binary.

        Messages that arrived before the connection closed are still given out.

        Args:
            timeout: seconds to wait; 0 takes only what is there already, None waits for ever.
            decode: False gives text as UTF-8 ``bytes``, True gives binary as ``str``.

        Raises:
            TimeoutError: if there is no message in time; none is lost.
            ConnectionClosed: when the connection is closed and nothing is left.
            ConcurrencyError: if another thread is receiving already.
            UnicodeDecodeError: if ``decode`` is True and a binary message isn't UTF-8.
        """
        return _decoded(self._call(lambda: self._receive(timeout), self._kept.append), decode)

    async def _receive(self, seconds: float | None) -> str | bytes:
        if self._kept:
            return self._kept.popleft()
        try:
            async with asyncio.timeout(seconds):
                return await self._connection.recv()
        except TimeoutError as error:
            raise TimeoutError(f"no message within {seconds} seconds") from error

    def recv_streaming(self, decode: bool | None = None) -> MessageStream:
        """Return the next message as something to iterate over, piece by piece as it arrives.

        A piece is whatever has arrived, be it less than a frame or more, and
        never ends within a character.  ``decode`` is that of ``recv``, as are the
        errors; they are raised by the iteration.  When anything else is received,
        what is left of an unfinished message is dropped.
        """
        return MessageStream(self, decode)

    def _stream(self, decode: bool | None) -> AsyncIterator[str | bytes]:
        if self._kept:
            return _only(_decoded(self._kept.popleft(), decode))
        return self._connection.recv_streaming(decode)

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    # Sending

    def send(
        self, message: Message | Iterable[Message], text: bool | None = None, *, compress: bool | None = None
    ) -> None:
        """Send a message: text if it is ``str``, binary if it is bytes-like.

        Waits only while the write buffer is above its high-water mark, or while
        another thread sends a message in fragments.

        An iterable of ``str`` or of bytes-like is sent as one message, each item
        as a fragment as it comes; this thread draws them.  One without items
        sends nothing.  If it raises after its first item, the connection is
        closed with code 1011, as half a message must not pass for one.

        Args:
            message: what to send.
            text: True sends bytes-like as text, False sends ``str`` as binary.
            compress: whether to compress, if that is agreed; None leaves it to the size.

        Raises:
            ConnectionClosed: if the connection closes while waiting, or is closed.
            TypeError: if ``message`` is none of these, or its items are of both kinds.
        """
        if isinstance(message, str | bytes | bytearray | memoryview):
            self._call(lambda: self._connection.send(message, text, compress=compress))
        elif isinstance(message, Iterable) and not isinstance(message, Mapping):
            items = _Drawn(message, self._connection.loop)
            self._call(lambda: self._send_items(items, text, compress), meanwhile=items.draw)
        else:
            raise TypeError(
                f"a message is str, bytes-like, or an iterable of either, not {type(message).__name__}"
            )

    async def _send_items(self, items: _Drawn, text: bool | None, compress: bool | None) -> None:
        try:
            await self._connection.send(items, text, compress=compress)
        finally:
            items.end()

    def ping(self, data: Message | None = None) -> PendingPong:
        """Send a ping, of at most 125 bytes, and return its pong to wait for.

        Raises:
            ConnectionClosed: if the connection is closing or closed.
            ConcurrencyError: if a ping with the same data is under way.
        """
        return PendingPong(self, self._call(lambda: self._connection.ping(data)))

    def pong(self, data: Message = b"") -> None:
        """Send a pong that nobody asked for, with at most 125 bytes.

        Raises:
            ConnectionClosed: if the connection is closing or closed.
        """
        self._call(lambda: self._connection.pong(data))

    # Closing

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and wait until it is closed.

        If the peer doesn't answer within the close time-out, the transport is
        cut.  Calling it again waits, and changes nothing; nor does calling it
        in a forked process, whose parent has the connection.

        Raises:
            LocalProtocolError: for a code that may not be sent (7.4), or a reason over 123 bytes.
        """
        if self.state is not State.CLOSED and not self._background.is_foreign:
            self._call(lambda: self._connection.close(code, reason))

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the connection is closed; False if it isn't after ``timeout`` seconds."""
        return self._call(lambda: _in_time(self._connection.wait_closed(), timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)

    def _call(
        self,
        function: Callable[[], Awaitable[T]],
        keep: Callable[[T], object] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> T:
        return self._background.call(function, keep, meanwhile)


def _decoded(message: str | bytes, decode: bool | None) -> str | bytes:
    if decode is None or isinstance(message, str) is decode:
        return message
    return message.encode() if isinstance(message, str) else message.decode()


async def _only(message: str | bytes) -> AsyncIterator[str | bytes]:
    yield message
