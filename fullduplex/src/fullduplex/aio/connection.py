"""The asyncio face's connection: coroutines and an iterator.

It adds to the connection under all faces a queue of received messages, which
stops the reading when it is full, and futures for those who wait.

Invariants:

1. Messages are given out once, in the order in which they arrived.
2. Cancelling any method at any point loses no message and leaves the connection
   whole.  The exception is a message that was begun to be sent in fragments:
   it can't be taken back, and what is cut short must not pass for whole.
3. Once a message that arrived while closing found no room, no later one is given out.
"""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn, Self, TypeAlias

from ..auth.visitor import Visitor
from ..close import CloseCode
from ..exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK
from ..kernels.pure import ReadableBuffer
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.events import Chunk, Event
from ..protocol.frames import Opcode
from ..protocol.server import ServerConnection as ServerProtocol
from ..transport import native
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker, Settings
from ..transport.deadlines import Timer
from .inbox import ENTRY_SIZE, Inbox

if TYPE_CHECKING:
    from .server import Server

__all__ = ["ClientConnection", "Connection", "Message", "MessageStream", "ServerConnection", "payload_of"]

#: What is sent and received: text as ``str``, binary as bytes.
Message: TypeAlias = str | ReadableBuffer


def payload_of(message: Message, text: bool | None = None) -> tuple[Opcode, ReadableBuffer]:
    """Return the opcode and the bytes of a message.

    ``text`` says which it is: None leaves it to the type.

    Raises:
        TypeError: if it is neither ``str`` nor bytes-like.
    """
    data: ReadableBuffer
    if isinstance(message, str):
        is_text, data = True, message.encode()
    elif isinstance(message, bytes | bytearray):
        is_text, data = False, message
    elif isinstance(message, memoryview):
        is_text, data = False, message.cast("B") if message.c_contiguous else message.tobytes()
    else:
        raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}")
    return Opcode.TEXT if (is_text if text is None else text) else Opcode.BINARY, data


class Connection(BaseConnection):
    """A WebSocket connection for coroutines.

    Iterating gives messages until the connection closes; a clean close ends
    the iteration, any other raises ``ConnectionClosedError``.
    """

    __slots__ = (
        "_closed",
        "_failure",
        "_failure_timer",
        "_fragments_ended",
        "_inbox",
        "_is_dropping",
        "_is_skipping",
        "_pings",
        "_receiver",
        "_stream",
    )

    def __init__(
        self,
        protocol: ServerProtocol | ClientProtocol,
        handshaker: Handshaker,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(protocol, handshaker, settings, loop)
        self._inbox = Inbox(settings)
        self._stream: MessageStream | None = None
        self._is_skipping = False
        self._is_dropping = False
        self._fragments_ended: asyncio.Future[None] | None = None
        self._receiver: asyncio.Future[None] | None = None
        # Those that no pong has answered, and the end, as soon as there is one or somebody waits for it.
        self._pings: dict[bytes, tuple[asyncio.Future[float], float]] | None = None
        self._closed: asyncio.Future[None] | None = None
        # A broken rule that waits until what came before it is answered.
        self._failure: tuple[int, str] | None = None
        self._failure_timer: Timer | None = None

    @property
    def protocol(self) -> ServerProtocol | ClientProtocol:
        """The protocol without input or output below this connection."""
        return self.codec

    # Receiving

    @native.natively("accelerate_recv")
    async def recv(self, decode: bool | None = None) -> str | bytes:
        """Wait for the next message: ``str`` for text, ``bytes`` for binary.

        ``decode`` set to False gives text as UTF-8 ``bytes``, and True gives
        binary as ``str``.  Messages that arrived before the connection closed
        are still given out.  Cancelling loses no message.

        Raises:
            ConnectionClosed: when the connection is closed and nothing is left.
            ConcurrencyError: if another task is in ``recv`` or ``recv_streaming`` already.
            UnicodeDecodeError: if ``decode`` is True and a binary message isn't UTF-8.
        """
        if self._stream is not None:
            self._leave_stream()
        while not self._inbox.has_message:
            await self._wait_received()
        message = self._inbox.take_message()
        if self.is_reading_paused:
            self._read_on()
        return message if decode is None else _decoder(decode)(message, True)

    def recv_streaming(self, decode: bool | None = None) -> MessageStream:
        """Return the next message as something to iterate over, piece by piece as it arrives.

        A piece is whatever has arrived, be it less than a frame or more, and
        never ends within a character.  ``max_size`` counts for the whole
        message.  ``decode`` is that of ``recv``, as are the errors; they are raised
        by the iteration.  Cancelling loses nothing: iterate on.  When anything
        else is received, what is left of an unfinished message is dropped.
        """
        return MessageStream(self, decode)

    async def _next_chunk(self, stream: MessageStream) -> Chunk:
        """Wait for the next chunk of the message that ``stream`` receives."""
        if self._stream is not stream:
            if stream.is_begun:
                raise ConcurrencyError("something else was received before this message's end")
            self._leave_stream()
            self._stream = stream
        while not self._inbox:
            chunk = self.start_streaming()
            if chunk is not None:
                self.chunk_received(*chunk)
            elif not self._inbox:
                # The engine hasn't just handed on what it had kept, either.
                await self._wait_received()
        chunk = self._inbox.take()
        self._read_on()
        if chunk.ends_message:
            self._stream = None
        return chunk

    def _leave_stream(self) -> None:
        """Receive something else than the message that is being received in pieces."""
        stream = self._stream
        if stream is None:
            return
        if self._receiver is not None:
            raise ConcurrencyError("another task is waiting in recv_streaming() on this connection")
        self._stream = None
        if stream.is_begun:
            self._is_skipping = not self._inbox.skip_message()
            self._read_on()
        else:
            self.codec.stop_streaming()

    async def _wait_received(self) -> None:
        """Wait until there is more in the inbox."""
        receiver = self.loop.create_future()
        self._begin_waiting(receiver)
        try:
            await receiver
        finally:
            self._receiver = None

    def _begin_waiting(self, receiver: asyncio.Future[None]) -> None:
        """Let a future be done when there is more in the inbox."""
        self._fail_if_due()
        if self._closed is not None and self._closed.done():
            raise self.codec.close_exception
        if self._receiver is not None:
            raise ConcurrencyError("another task is waiting in recv() on this connection")
        self._receiver = receiver
        self.resume_reading()

    def limit_reading(self, size: int | None) -> None:
        """Stop reading when ``size`` bytes wait to be received, instead of ``read_limit``; None undoes it."""
        self._inbox.limit(size)
        self._read_on()

    def _read_on(self) -> None:
        if self._inbox.has_room:
            self.resume_reading()

    def __aiter__(self) -> Self:
        return self

    @native.natively("accelerate_anext")
    async def __anext__(self) -> str | bytes:
        try:
            return await self.recv()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None

    # Sending

    @native.natively("accelerate_async_send")
    async def send(
        self,
        message: Message | Iterable[Message] | AsyncIterable[Message],
        text: bool | None = None,
        *,
        compress: bool | None = None,
    ) -> None:
        """Send a message: text if it is ``str``, binary if it is bytes-like.

        Waits only while the write buffer is above its high-water mark, or while
        another task sends a message in fragments; once taken, which happens at
        once otherwise, the message isn't taken back by cancelling.  It is copied.

        An iterable, asynchronous or not, of ``str`` or of bytes-like is sent as one
        message, each item as a fragment as it comes; one without items sends
        nothing.  If it raises, or is cancelled, after its first item, the
        connection is closed with code 1011, as half a message must not pass for one.

        Args:
            message: what to send.
            text: True sends bytes-like as text, False sends ``str`` as binary.
            compress: whether to compress, if that is agreed; None leaves it to the size.

        Raises:
            ConnectionClosed: if the connection closes while waiting, or is closed; while it is
                closing, once it is known how that ends.
            TypeError: if ``message`` is none of these, or its items are of both kinds.
        """
        if not isinstance(message, str | bytes | bytearray | memoryview):
            await self._send_fragments(_items_of(message), text, compress)
            return
        opcode, data = payload_of(message, text)
        if self._fragments_ended is not None:
            await self._wait_for_fragments()
        try:
            self.send_message(opcode, data, compress=compress, waits=True)
        except ConnectionClosed:
            await self._tell_closed()
        if self.is_slow:
            await self.drain()

    def send_nowait(
        self, message: Message, text: bool | None = None, *, compress: bool | None = None
    ) -> None:
        """Send a message without ever waiting; see ``buffered_amount`` and ``drain``.

        While a message is sent in fragments, it waits in a queue for its turn.
        If more than ``buffer_limit`` bytes wait for the peer, the connection is cut.

        Raises:
            ConnectionClosed: if the connection is closing, closed, or cut now.
            TypeError: if ``message`` is neither ``str`` nor bytes-like.
        """
        opcode, data = payload_of(message, text)
        self.send_message(opcode, data, compress=compress)

    async def _send_fragments(
        self, items: AsyncIterator[Message], text: bool | None, compress: bool | None
    ) -> None:
        await self._wait_for_fragments()
        ended = self._fragments_ended = self.loop.create_future()
        first: Opcode | None = None
        try:
            async for item in items:
                opcode, data = payload_of(item, text)
                if first is None:
                    first = opcode
                elif opcode is not first:
                    raise TypeError("the parts of a message are all str or all bytes-like")
                await self._send_fragment(opcode, data, compress)
            if first is not None:
                await self._send_fragment(first, b"", compress, fin=True)
        except BaseException:
            if self.codec.is_sending_fragments:
                self.fail(CloseCode.INTERNAL_ERROR, "a message could not be sent to its end")
            raise
        finally:
            self._fragments_ended = None
            if not ended.done():
                ended.set_result(None)

    async def _wait_for_fragments(self) -> None:
        """Wait until no other task sends a message in fragments, or the connection is closed."""
        while self._fragments_ended is not None and not self._fragments_ended.done():
            await asyncio.shield(self._fragments_ended)

    async def _send_fragment(
        self, opcode: Opcode, data: ReadableBuffer, compress: bool | None, *, fin: bool = False
    ) -> None:
        try:
            self.send_fragment(opcode, data, fin=fin, compress=compress)
        except ConnectionClosed:
            await self._tell_closed()
        await self.drain()

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
        if payload in (self._pings or ()):
            raise ConcurrencyError("a ping with the same data is under way")
        try:
            self.send_ping(payload)
        except ConnectionClosed:
            await self._tell_closed()
        latency: asyncio.Future[float] = self.loop.create_future()
        # Whoever isn't interested in the outcome isn't told of it.
        latency.add_done_callback(_look_at_exception)
        self._pings = self._pings or {}
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
        await asyncio.shield(self._end_to_come())

    def _end_to_come(self) -> asyncio.Future[None]:
        """Return the future that is done when the connection is closed."""
        if self._closed is None:
            self._closed = self.loop.create_future()
        return self._closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        await self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)

    # What arrives

    def message_received(self, data: str | bytes) -> None:
        """Queue a message, and stop reading when there are enough."""
        self._add(data)

    def chunk_received(self, data: str | bytes, ends_message: bool) -> None:
        """Queue a part of a message, and stop reading when there is enough."""
        if self._is_skipping:
            self._is_skipping = not ends_message
        else:
            self._add(Chunk(data, ends_message))

    def _add(self, entry: str | bytes | Chunk) -> None:
        is_closing = self.codec.lifecycle.sent is not None
        if is_closing and self._inbox.is_full:
            self._is_dropping = True
        if self._is_dropping:
            return
        self._inbox.add(entry)
        self._wake_receiver()
        if self._inbox.is_full and not is_closing:
            self.pause_reading()

    def _process(self, events: Generator[Event, None, None]) -> None:
        super()._process(events)
        if self._receiver is None and self.codec.bytes_assembled >= self._inbox.high_water_mark:
            # Nobody waits for the message that is arriving: its rest has time.
            if self.codec.lifecycle.sent is None:
                self.pause_reading()
            else:
                self._is_dropping = True
                self.codec.start_streaming()

    def rule_broken(self, code: int, reason: str) -> None:
        """Fail the connection, but let messages that came before be answered first.

        That is when the next one is asked for, when the program closes, or
        after the close time-out.
        """
        if not self._inbox:
            super().rule_broken(code, reason)
            return
        self._failure = code, reason
        if self._settings.close_timeout is not None:
            self._failure_timer = Timer(self.loop, self._settings.close_timeout, self._fail_if_due)

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
        pings = self._pings
        if pings is None or data not in pings:
            return
        now = self.loop.time()
        for payload in list(pings):
            latency, sent_at = pings.pop(payload)
            if not latency.done():
                latency.set_result(now - sent_at)
            if payload == data:
                break

    def closed(self, exc: Exception | None) -> None:
        """Tell everyone who waits."""
        self._failure = None
        if self._failure_timer is not None:
            self._failure_timer.cancel()
        end = self._end_to_come()
        if not end.done():
            end.set_result(None)
        self._wake_receiver()
        if self._fragments_ended is not None and not self._fragments_ended.done():
            self._fragments_ended.set_result(None)
        pings, self._pings = self._pings, None
        for latency, _ in (pings or {}).values():
            if not latency.done():
                latency.set_exception(self.codec.close_exception)

    def _wake_receiver(self) -> None:
        if self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)


if native.engine is not None:
    native.engine.learn_coroutines(Connection, Inbox, ENTRY_SIZE, ConnectionClosedOK)


class MessageStream:
    """One message, received piece by piece; ``Connection.recv_streaming`` makes it."""

    def __init__(self, connection: Connection, decode: bool | None) -> None:
        self._connection = connection
        self._decode = None if decode is None else _decoder(decode)
        self._is_ended = False
        #: True once a piece was given out.
        self.is_begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        if self._is_ended:
            raise StopAsyncIteration
        data, self._is_ended = await self._connection._next_chunk(self)
        self.is_begun = True
        if self._decode is not None:
            data = self._decode(data, self._is_ended)
        return data


def _decoder(decode: bool) -> Callable[[str | bytes, bool], str | bytes]:
    """Return a function that makes ``str`` of everything, or bytes; the end of a message is told to it."""
    if not decode:
        return lambda data, ends_message: data.encode() if isinstance(data, str) else data
    decoder = codecs.getincrementaldecoder("utf-8")()
    return lambda data, ends_message: data if isinstance(data, str) else decoder.decode(data, ends_message)


def _items_of(message: Iterable[Message] | AsyncIterable[Message]) -> AsyncIterator[Message]:
    """Return the items of an iterable of either kind.

    Raises:
        TypeError: if it is none, or a mapping, whose items nobody means to send.
    """
    if isinstance(message, Mapping) or not isinstance(message, Iterable | AsyncIterable):
        raise TypeError(
            f"a message is str, bytes-like, or an iterable of either, not {type(message).__name__}"
        )
    if isinstance(message, AsyncIterable):
        return aiter(message)
    return _in_turns(message)


async def _in_turns(items: Iterable[Message]) -> AsyncIterator[Message]:
    """Give the items one by one, and others their turn between them."""
    for item in items:
        yield item
        await asyncio.sleep(0)


class ClientConnection(Connection):
    """A connection that ``connect`` opened."""


class ServerConnection(Visitor, Connection):
    """A connection that a server accepted; ``server`` is that server."""

    def __init__(
        self,
        protocol: ServerProtocol,
        server: Server[ServerConnection],
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(protocol, server, settings, loop)
        self.server = server

    def closed(self, exc: Exception | None) -> None:
        """Tell everyone who waits, and the server."""
        super().closed(exc)
        self.server.connection_closed(self)


def _look_at_exception(future: asyncio.Future[float]) -> None:
    if not future.cancelled():
        future.exception()
