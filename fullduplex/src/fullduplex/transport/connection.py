"""One WebSocket connection: the protocol, coupled with what moves its bytes.

Every face extends this class: it sends, closes, keeps alive and buffers, and
calls the methods at its end for what arrives.  It has no queues and no
coroutines of its own.  It doesn't know whether asyncio or something faster
moves the bytes: a transport is whatever has the methods of
``asyncio.Transport`` that are used here.

Invariants:

1. What is sent within one turn of the loop is written at once at its end, or
   as soon as it exceeds the write limit.
2. ``closed`` is called exactly once, after everything else.
3. Nothing is handed to a face before ``opened``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..close import CloseCode
from ..kernels.pure import ReadableBuffer
from ..protocol.client import ClientConnection
from ..protocol.connection import Ending
from ..protocol.events import Binary, Broken, CloseReceived, Event, HandOver, Ping, Pong, Text
from ..protocol.frames import Opcode
from ..protocol.http11 import Request, Response
from ..protocol.server import ServerConnection
from ..protocol.states import State
from .heartbeat import Heartbeat

__all__ = ["Connection", "Handshaker", "Settings"]

logger = logging.getLogger("fullduplex")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a connection behaves in time; shared by all connections of a server.

    Attributes:
        ping_interval: seconds between two keepalive pings; None sends none.
        ping_timeout: seconds of silence after a ping that end the connection; None waits for ever.
        close_timeout: seconds for the closing handshake and the transport's end; None waits for ever.
        write_limit: high-water mark of the write buffer in bytes; the low-water mark is a quarter of it.
    """

    ping_interval: float | None = 20
    ping_timeout: float | None = 20
    close_timeout: float | None = 10
    write_limit: int = 32_768

    def __post_init__(self) -> None:
        for name in ("ping_interval", "ping_timeout", "close_timeout"):
            seconds = getattr(self, name)
            if seconds is not None and seconds <= 0:
                raise ValueError(f"{name} must be positive or None")
        if self.write_limit < 1:
            raise ValueError("write_limit must be positive")


class Handshaker:
    """Who conducts the opening handshake of a connection; what isn't overridden is no concern of theirs."""

    def connected(self, connection: Any) -> None:
        """The connection has its transport."""

    def request_received(self, connection: Any, request: Request) -> None:
        """A client asks to open the connection."""

    def handed_over(self, connection: Any, data: bytes) -> None:
        """A client asks for something else than a WebSocket."""

    def handshake_ended(self, connection: Any, response: Response | None) -> None:
        """A server has answered, or the transport is gone before it did."""


class Connection:
    """The connection under every face.

    Args:
        protocol: the side of the protocol that this connection plays.
        handshaker: who conducts the opening handshake.
        settings: how it behaves in time.
        loop: the event loop that it lives on; every method must be called there.
    """

    def __init__(
        self,
        protocol: ServerConnection | ClientConnection,
        handshaker: Handshaker,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        #: The protocol: what turns bytes into events and messages into bytes.
        self.codec = protocol
        self.loop = loop
        self.is_reading_paused = False
        #: Seconds that the last keepalive ping took to come back; 0 until one did.
        self.latency = 0.0
        self._handshaker: Handshaker | None = handshaker
        self._settings = settings
        self._transport: asyncio.Transport | None = None
        self._heartbeat: Heartbeat | None = None
        self._open_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._busy = False
        self._flush_is_due = False
        self._unwritten = 0
        self._written = 0
        self._is_writing_paused = False
        self._is_ending = False
        self._is_aborted = False
        self._drain_waiters: deque[asyncio.Future[None]] = deque()

    # What there is to know

    @property
    def state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED."""
        return self.codec.lifecycle.state

    @property
    def request(self) -> Request | None:
        """The opening handshake's request."""
        return self.codec.request

    @property
    def response(self) -> Response | None:
        """The opening handshake's response."""
        return self.codec.response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol agreed, if any."""
        return self.codec.subprotocol

    @property
    def close_code(self) -> int | None:
        """The peer's close code, 1006 if it sent none; None until the connection is closed (7.1.5)."""
        if self.state is not State.CLOSED:
            return None
        return self.codec.close_exception.code

    @property
    def close_reason(self) -> str | None:
        """The peer's close reason; None until the connection is closed (7.1.6)."""
        if self.state is not State.CLOSED:
            return None
        return self.codec.close_exception.reason

    @property
    def local_address(self) -> Any:
        """Our end of the transport, as the socket tells it; None before there is one."""
        return self._extra("sockname")

    @property
    def remote_address(self) -> Any:
        """The peer's end of the transport, as the socket tells it."""
        return self._extra("peername")

    @property
    def buffered_amount(self) -> int:
        """Bytes, framing included, that were sent and that the system hasn't taken yet."""
        return self._unwritten + self.bytes_waiting

    @property
    def bytes_waiting(self) -> int:
        """Bytes that were written and that the system hasn't taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def bytes_taken(self) -> int:
        """Bytes that the system has taken since the connection was made."""
        return self._written - self.bytes_waiting

    def _extra(self, name: str) -> Any:
        return None if self._transport is None else self._transport.get_extra_info(name)

    # Sending

    def send_message(self, opcode: Opcode, data: ReadableBuffer, *, fin: bool = True) -> None:
        """Send a message, or with ``fin=False`` its first fragment; see the protocol's method."""
        self.codec.send_message(opcode, data, fin=fin)
        self._sent(len(data))

    def send_ping(self, data: bytes) -> None:
        """Send a ping; see the protocol's method."""
        self.codec.send_ping(data)
        self._sent(len(data))

    def send_pong(self, data: bytes) -> None:
        """Send a pong; see the protocol's method."""
        self.codec.send_pong(data)
        self._sent(len(data))

    def start_close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Begin the closing handshake, and see that it ends in time; once begun, do nothing.

        It ends a pause of reading.
        """
        self.codec.send_close(code, reason)
        if self.state is State.CLOSING:
            self._limit_close()
        self.flush()
        # Behind what nobody has taken yet there is the peer's answer.
        self.resume_reading()

    def fail(self, code: int, reason: str = "") -> None:
        """Fail the connection: tell the peer why, and read no more (7.1.7)."""
        self.codec.fail(code, reason)
        self.flush()

    def abort(self) -> None:
        """Cut the transport at once, or when it is there; what wasn't written is lost."""
        self._is_aborted = True
        if self._transport is not None:
            self._transport.abort()

    def flush(self) -> None:
        """Write what there is to write, now."""
        self._flush_is_due = False
        transport = self._transport
        if transport is None or self._is_ending:
            return
        output = self.codec.data_to_send()
        self._unwritten = 0
        if output:
            data = output[0] if len(output) == 1 else b"".join(output)
            self._written += len(data)
            transport.write(data)
        if self.codec.ending:
            self._end(transport, self.codec.ending)

    async def drain(self) -> None:
        """Wait until the peer has taken enough of what was sent.

        Returns at once while the write buffer is under its high-water mark.
        Cancelling is safe: nothing already sent is withdrawn.

        Raises:
            ConnectionClosed: if the connection closes meanwhile.
        """
        if self._is_writing_paused and not self._is_ending:
            waiter = self.loop.create_future()
            self._drain_waiters.append(waiter)
            try:
                await waiter
            finally:
                self._drain_waiters.remove(waiter)
        if self.state is State.CLOSED:
            raise self.codec.close_exception

    def _sent(self, size: int) -> None:
        """Write soon, or now if too much has gathered."""
        # 14 is the longest head a frame can have.
        self._unwritten += size + 14
        if self._unwritten > self._settings.write_limit:
            self.flush()
        elif not self._busy and not self._flush_is_due:
            self._flush_is_due = True
            self.loop.call_soon(self.flush)

    def _end(self, transport: asyncio.Transport, ending: Ending) -> None:
        """Bring the transport to its end, and see that it gets there."""
        self._limit_close()
        if ending is Ending.CLOSE or not transport.can_write_eof():
            self._is_ending = True
            transport.close()
        elif not self._is_ending:
            self._is_ending = True
            self.resume_reading()
            transport.write_eof()

    def limit_opening(self, seconds: float) -> None:
        """Cut the transport if the connection isn't open in time."""
        self._open_timer = self.loop.call_later(seconds, self.abort)

    def _limit_close(self) -> None:
        if self._close_timer is None and self._settings.close_timeout is not None:
            self._close_timer = self.loop.call_later(self._settings.close_timeout, self.abort)

    def _opening_ended(self) -> Handshaker | None:
        """Stop what only the opening needs; return who conducted it, the first time."""
        if self._open_timer is not None:
            self._open_timer.cancel()
        handshaker, self._handshaker = self._handshaker, None
        return handshaker

    # Reading

    def pause_reading(self) -> None:
        """Take nothing more from the peer; calling it twice is the same as once."""
        if not self.is_reading_paused and self._transport is not None and not self._transport.is_closing():
            self.is_reading_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Undo ``pause_reading``."""
        if self.is_reading_paused and self._transport is not None:
            self.is_reading_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _process(self, events: Iterable[Event]) -> None:
        """Pass on what was received, and write what that caused."""
        self._busy = True
        try:
            for event in events:
                match event:
                    case Text(data) | Binary(data):
                        self.message_received(data)
                    case Ping(data):
                        self.ping_received(data)
                    case Pong(data):
                        self._receive_pong(data)
                    case CloseReceived():
                        self._limit_close()
                        self.closing()
                    case Broken(code, reason):
                        self.rule_broken(code, reason)
                    case _:
                        self._handshake_event(event)
        finally:
            self._busy = False
        self.flush()

    def _receive_pong(self, data: bytes) -> None:
        if self._heartbeat is not None:
            self._heartbeat.pong_received(data)
        self.pong_received(data)

    def _handshake_event(self, event: Request | Response | HandOver) -> None:
        handshaker = self._handshaker
        if handshaker is None:
            return
        match event:
            case Request():
                handshaker.request_received(self, event)
            case HandOver(data):
                handshaker.handed_over(self, data)
            case Response():
                handshaker.handshake_ended(self, event)
                self.start()

    def start(self) -> None:
        """Begin the open connection's life: call ``opened``, keep it alive, pass on what came early."""
        self._opening_ended()
        if self._settings.ping_interval is not None:
            self._heartbeat = Heartbeat(self, self._settings.ping_interval, self._settings.ping_timeout)
        # First, as a listener may pause it again.
        self.resume_reading()
        self.opened()
        self._process(self.codec.events_received())

    def detach(self) -> asyncio.Transport:
        """Give the transport away, and have nothing more to do with it."""
        transport = self._transport
        assert transport is not None
        self._opening_ended()
        self._transport = None
        return transport

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the transport."""
        self._transport = transport
        if self._is_aborted:
            transport.abort()
            return
        if self._handshaker is not None:
            self._handshaker.connected(self)
        high = self._settings.write_limit
        transport.set_write_buffer_limits(high, high // 4)
        self.flush()

    def data_received(self, data: ReadableBuffer) -> None:
        """Take bytes; ``data`` is used up when this returns."""
        if self._heartbeat is not None:
            self._heartbeat.heard = True
        self._process(self.codec.receive(data))

    def eof_received(self) -> None:
        """The peer has shut down its side."""
        self.codec.receive_eof()
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def pause_writing(self) -> None:
        """The write buffer is above its high-water mark."""
        self._is_writing_paused = True
        self.codec.output_is_blocked = True
        self.writing_paused()

    def resume_writing(self) -> None:
        """The write buffer is below its low-water mark."""
        self._is_writing_paused = False
        self.codec.output_is_blocked = False
        self._wake_drain_waiters()
        self.writing_resumed()
        # Last, as it may bring the buffer above its high-water mark again.
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self.codec.receive_eof()
        self._is_ending = True
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._is_writing_paused = False
        self._wake_drain_waiters()
        handshaker = self._opening_ended()
        if handshaker is not None:
            handshaker.handshake_ended(self, None)
        self.closed(exc)

    def _wake_drain_waiters(self) -> None:
        for waiter in self._drain_waiters:
            if not waiter.done():
                waiter.set_result(None)

    # What a face does about it

    def opened(self) -> None:
        """The connection is open."""

    def message_received(self, data: str | bytes) -> None:
        """A whole message arrived."""

    def ping_received(self, data: bytes) -> None:
        """A ping arrived; it is answered already."""

    def pong_received(self, data: bytes) -> None:
        """A pong arrived."""

    def closing(self) -> None:
        """The peer's Close frame arrived; it is answered already."""

    def rule_broken(self, code: int, reason: str) -> None:
        """The peer broke a rule: the connection is to be failed."""
        self.codec.fail(code, reason)

    def writing_paused(self) -> None:
        """The write buffer is above its high-water mark."""

    def writing_resumed(self) -> None:
        """The write buffer is below its low-water mark again."""

    def closed(self, exc: Exception | None) -> None:
        """The connection is over; ``exc`` is the transport's error, if it had one."""
