"""One WebSocket connection: the protocol, coupled with what moves its bytes.

Every face extends this class: it sends, closes, keeps alive and buffers, and
calls the methods at its end for what arrives.  It has no queues and no
coroutines of its own.  It doesn't know whether asyncio or something faster
moves the bytes: a transport is whatever has the methods of
``asyncio.Transport`` that are used here.

Invariants:

1. What is sent within one turn of the loop is written at once at its end, or
   as soon as it exceeds the write limit; a message for many may go before it.
2. ``closed`` is called exactly once, after everything else.
3. Nothing is handed to a face before ``opened``, or while it has paused the reading.
4. In one turn of the loop a connection reads at most ``BATCH`` frames or parts
   of them, and hands on as many events.
5. Messages are sent in the order in which they were given, fragments of one
   message without any other in between.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Generator, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..close import CloseCode
from ..exceptions import RemoteProtocolError
from ..kernels.pure import ReadableBuffer
from ..protocol.client import ClientConnection
from ..protocol.connection import Connection as Protocol
from ..protocol.connection import Ending
from ..protocol.events import Binary, Broken, Chunk, CloseReceived, Event, HandOver, Ping, Pong, Text
from ..protocol.extensions.permessage_deflate import LARGE, PerMessageDeflate
from ..protocol.frames import FrameReader, Opcode, key_pool
from ..protocol.http11 import Request, Response
from ..protocol.messages import MessageReader
from ..protocol.prepared import Prepared
from ..protocol.server import ServerConnection
from ..protocol.states import Lifecycle, Side, State
from . import native
from .deadlines import Timer
from .heartbeat import Heartbeat
from .outbox import Outbox
from .rates import TokenBucket

__all__ = ["Connection", "Handshaker", "Marks", "Settings"]

#: Frames of one connection after which others have their turn: of empty ones, about 1 ms.
BATCH = 256


#: A high-water mark, or that and a low-water mark; without the latter it is a quarter of the former.
Marks: TypeAlias = int | tuple[int, int | None]


def _water_marks(name: str, limit: Marks) -> tuple[int, int]:
    """Return the high-water and the low-water mark that the option ``name`` stands for.

    Raises:
        ValueError: unless 0 <= low <= high and 0 < high.
    """
    high, low = limit if isinstance(limit, tuple) else (limit, None)
    if low is None:
        low = high // 4
    if not 0 <= low <= high or not high:
        raise ValueError(f"{name} must be positive, and its low-water mark not above it")
    return high, low


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a connection behaves in time; shared by all connections of a server.

    Attributes:
        ping_interval: seconds between two keepalive pings; None sends none.
        ping_timeout: seconds of silence after a ping that end the connection; None waits for ever.
        close_timeout: seconds for the closing handshake and the transport's end; None waits for ever.
        max_queue: messages that wait to be received before reading stops, or that and from how many
            on it goes on; None for no limit; of faces that queue.
        read_limit: bytes of messages that wait to be received before reading stops, or that and
            from how many on it goes on; of faces that queue.
        write_limit: high-water mark of the write buffer in bytes, or that and the low-water mark;
            the low-water mark is a quarter by default.
        buffer_limit: bytes that may wait for a peer that doesn't take them; who sends more without
            waiting has the connection cut; None for no limit.
    """

    ping_interval: float | None = 20
    ping_timeout: float | None = 20
    close_timeout: float | None = 10
    max_queue: Marks | None = 16
    read_limit: Marks = 2**20
    write_limit: Marks = 32_768
    buffer_limit: int | None = 2**26
    #: The high-water and the low-water mark that the limits stand for.
    queue_marks: tuple[int, int] | None = field(init=False)
    read_marks: tuple[int, int] = field(init=False)
    write_marks: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("ping_interval", "ping_timeout", "close_timeout"):
            seconds = getattr(self, name)
            if seconds is not None and seconds <= 0:
                raise ValueError(f"{name} must be positive or None")
        if self.buffer_limit is not None and self.buffer_limit < 1:
            raise ValueError("buffer_limit must be positive or None")
        queue = None if self.max_queue is None else _water_marks("max_queue", self.max_queue)
        object.__setattr__(self, "queue_marks", queue)
        object.__setattr__(self, "read_marks", _water_marks("read_limit", self.read_limit))
        object.__setattr__(self, "write_marks", _water_marks("write_limit", self.write_limit))


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

    # What faces and programs add goes into the dictionary.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_busy",
        "_byte_rate",
        "_close_timer",
        "_control_rate",
        "_drain_waiters",
        "_flush_is_due",
        "_handshaker",
        "_has_more",
        "_heartbeat",
        "_is_aborted",
        "_is_ending",
        "_is_going_on",
        "_is_transport_paused",
        "_is_writing_paused",
        "_message_rate",
        "_open_timer",
        "_outbox",
        "_settings",
        "_transport",
        "_unwritten",
        "_written",
        "codec",
        "is_reading_paused",
        "latency",
        "loop",
    )

    # What its server or client tells its own to, once it has taken it in.
    _logger = logging.getLogger("fullduplex")

    def __init__(
        self,
        protocol: ServerConnection | ClientConnection,
        handshaker: Handshaker,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        #: The protocol: what turns bytes into events and messages into bytes.
        self.codec = protocol
        protocol.pieces_at_once = BATCH
        self.loop = loop
        self.is_reading_paused = False
        #: Seconds that the last keepalive ping took to come back; 0 until one did.
        self.latency = 0.0
        # What the transport was told, and whether the protocol keeps bytes that it hasn't read yet.
        self._is_transport_paused = False
        self._has_more = False
        self._is_going_on = False
        self._handshaker: Handshaker | None = handshaker
        self._settings = settings
        self._transport: asyncio.Transport | None = None
        self._heartbeat: Heartbeat | None = None
        self._open_timer: Timer | None = None
        self._close_timer: Timer | None = None
        self._busy = False
        self._flush_is_due = False
        self._unwritten = 0
        self._written = 0
        self._is_writing_paused = False
        self._is_ending = False
        self._is_aborted = False
        # As long as somebody waits.
        self._drain_waiters: list[asyncio.Future[None]] | None = None
        # There is one as long as messages must wait.
        self._outbox: Outbox | None = None
        self._control_rate: TokenBucket | None = None
        self._message_rate: TokenBucket | None = None
        self._byte_rate: TokenBucket | None = None

    # What there is to know

    @functools.cached_property
    def id(self) -> uuid.UUID:
        """Names the connection in logs."""
        return uuid.uuid4()

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """The logger of its server or client; records have the connection as ``websocket``."""
        return logging.LoggerAdapter(self._logger, {"websocket": self})

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
        return self.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The peer's end of the transport, as the socket tells it."""
        return self.get_extra_info("peername")

    @property
    def buffered_amount(self) -> int:
        """Bytes, framing included, that were sent and that the system hasn't taken yet."""
        if self.state is State.CONNECTING:
            return 0
        waiting = 0 if self._outbox is None else self._outbox.size
        return self.codec.bytes_to_send + self.bytes_waiting + waiting

    @property
    def is_slow(self) -> bool:
        """True from when the write buffer is above its high-water mark until it is under the other."""
        return self._is_writing_paused

    @property
    def bytes_waiting(self) -> int:
        """Bytes that were written and that the system hasn't taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def bytes_written(self) -> int:
        """Bytes that were given to the transport since the connection was made."""
        return self._written + native.written(self._transport)

    @property
    def bytes_taken(self) -> int:
        """Bytes that the system has taken since the connection was made."""
        return self.bytes_written - self.bytes_waiting

    @property
    def was_cut(self) -> bool:
        """True once ``abort`` was called, by the program or by a time-out."""
        return self._is_aborted

    @property
    def is_secure(self) -> bool:
        """True if TLS is under it."""
        return self.get_extra_info("sslcontext") is not None

    @property
    def transport_kind(self) -> native.TransportKind | None:
        """What moves its bytes: "engine", the native one, or "asyncio", a transport of the loop.

        None before there is a transport.  A connection may begin with one of the loop, and be
        the engine's once it is open.
        """
        return None if self._transport is None else native.kind_of(self._transport)

    def get_extra_info(self, name: str) -> Any:
        """Tell what the transport knows by a name, as "socket" or "peercert"; None before there is one."""
        return None if self._transport is None else self._transport.get_extra_info(name)

    # Sending

    @native.natively("accelerate_send_message")
    def send_message(
        self, opcode: Opcode, data: ReadableBuffer, *, compress: bool | None = None, waits: bool = False
    ) -> None:
        """Send a message; see the protocol's method.

        While a message is sent in fragments, it waits for its turn.  Whoever
        doesn't wait afterwards for the peer to take it, which ``waits`` promises,
        has the connection cut if more than the buffer limit waits already.
        """
        if (self._is_writing_paused or self._outbox is not None) and not waits:
            self._check_room()
        if self._outbox is not None:
            self._hold(Prepared(opcode, bytes(data), compress))
        else:
            self.codec.send_message(opcode, data, compress=compress)
            self._sent(len(data))

    @native.natively("accelerate_send_prepared")
    def send_prepared(self, message: Prepared) -> None:
        """Send a message that goes to many connections; otherwise as ``send_message``."""
        if self._is_writing_paused or self._outbox is not None:
            self._check_room()
        if self._outbox is not None:
            self._hold(message)
        else:
            self._sent(self.codec.send_prepared(message))

    def send_droppable(self, message: Prepared, *, most: int, key: Hashable = None) -> None:
        """Send a message if the peer keeps up; otherwise let it wait, and drop what is older.

        At most ``most`` such messages wait; with a ``key`` other than None, one
        that waits is replaced by a newer one with the same key instead.
        """
        if not self._is_writing_paused and self._outbox is None:
            self.send_prepared(message)
            return
        self.codec.lifecycle.may_send_data()
        self._check_room()
        if self._outbox is None:
            self._outbox = Outbox()
        if key is None:
            self._outbox.add_droppable(message, most)
        else:
            self._outbox.replace(message, key)

    def send_fragment(
        self, opcode: Opcode, data: ReadableBuffer, *, fin: bool, compress: bool | None = None
    ) -> None:
        """Send the next fragment of a message; the opcode and ``compress`` count for the first.

        From the first to the last one no other message is sent, but waits.
        """
        if self.codec.is_sending_fragments:
            self.codec.send_continuation(data, fin=fin)
        else:
            # What waits came first.
            self._send_waiting(all_of_it=True)
            self.codec.send_message(opcode, data, fin=fin, compress=compress)
        if self._outbox is None:
            self._outbox = Outbox()
        self._sent(len(data))
        if fin:
            self._send_waiting()

    def _hold(self, message: Prepared) -> None:
        assert self._outbox is not None
        self.codec.lifecycle.may_send_data()
        self._outbox.add(message)

    def _check_room(self) -> None:
        """Cut the connection if too much waits for its peer."""
        limit = self._settings.buffer_limit
        if limit is not None and self.buffered_amount > limit:
            waiting = self.buffered_amount
            self.cut(BufferError(f"{waiting} bytes wait for a peer that doesn't take them"))
            raise self.codec.close_exception

    def _send_waiting(self, *, all_of_it: bool = False) -> None:
        """Send what waits, as far as the peer keeps up."""
        outbox = self._outbox
        if outbox is None or self.codec.is_sending_fragments:
            return
        while outbox and self.state is State.OPEN and (all_of_it or not self._is_writing_paused):
            self._sent(self.codec.send_prepared(outbox.pop()))
        if not outbox or self.state is not State.OPEN:
            self._outbox = None

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
        self._send_waiting(all_of_it=True)
        self.codec.send_close(code, reason)
        if self.state is State.CLOSING:
            self._limit_close()
        self.flush()
        # Behind what nobody has taken yet there is the peer's answer.
        self.resume_reading()

    def fail(self, code: int, reason: str = "", cause: BaseException | None = None) -> None:
        """Fail the connection: tell the peer why, and read no more (7.1.7).

        ``cause`` becomes the cause of ``ConnectionClosed``.
        """
        self.codec.fail(code, reason, cause)
        self.flush()

    def abort(self) -> None:
        """Cut the transport at once, or when it is there; what wasn't written is lost."""
        self._is_aborted = True
        if self._transport is not None:
            self._is_ending = True
            self._transport.abort()

    def cut(self, cause: Exception) -> None:
        """Cut the transport, and have nothing to do with the connection any more, by ``cause``."""
        self.codec.lifecycle.lost(cause)
        self._outbox = None
        self.abort()

    def opening_failed(self, error: BaseException) -> None:
        """The connection won't open, by ``error``: cut the transport if there is one."""
        self.abort()

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
            # What is written may be copied once more: not on top of this.
            output.clear()
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
            waiters = self._drain_waiters = self._drain_waiters or []
            waiters.append(waiter)
            try:
                await waiter
            finally:
                waiters.remove(waiter)
        if self.state is State.CLOSED:
            raise self.codec.close_exception

    def _sent(self, size: int) -> None:
        """Write soon, or now if too much has gathered."""
        # 14 is the longest head a frame can have.
        self._unwritten += size + 14
        if self._unwritten > self._settings.write_marks[0]:
            self.flush()
        elif not self._busy and not self._flush_is_due:
            self._flush_is_due = True
            self.loop.call_soon(self.flush)

    def _end(self, transport: asyncio.Transport, ending: Ending) -> None:
        """Bring the transport to its end, and see that it gets there."""
        self._limit_close()
        self._is_ending = True
        if ending is Ending.CLOSE or not transport.can_write_eof():
            if not transport.is_closing():
                transport.close()
        else:
            self.resume_reading()
            try:
                transport.write_eof()
            except OSError:
                # The peer has cut it already.
                transport.abort()

    def limit_opening(self, seconds: float) -> None:
        """Cut the transport if the connection isn't open in time."""
        self._open_timer = Timer(self.loop, seconds, functools.partial(self._opening_timed_out, seconds))

    def _opening_timed_out(self, seconds: float) -> None:
        self.opening_failed(TimeoutError(f"the connection isn't open after {seconds:g} seconds"))

    def _limit_close(self) -> None:
        if self._close_timer is None and self._settings.close_timeout is not None:
            self._close_timer = Timer(self.loop, self._settings.close_timeout, self.abort)

    def _opening_ended(self) -> Handshaker | None:
        """Stop what only the opening needs; return who conducted it, the first time."""
        if self._open_timer is not None:
            self._open_timer.cancel()
        handshaker, self._handshaker = self._handshaker, None
        return handshaker

    # Reading

    def pause_reading(self) -> None:
        """Take nothing more from the peer; calling it twice is the same as once."""
        if self._transport is not None and not self._transport.is_closing():
            self.is_reading_paused = True
            self._adjust_transport()

    def resume_reading(self) -> None:
        """Undo ``pause_reading``."""
        if not self.is_reading_paused:
            return
        self.is_reading_paused = False
        if self._has_more:
            self._go_on_soon()
        else:
            self._adjust_transport()

    def _adjust_transport(self) -> None:
        """Let the transport read if nothing is against it."""
        transport = self._transport
        wanted = self.is_reading_paused or self._has_more
        if transport is None or wanted is self._is_transport_paused:
            return
        self._is_transport_paused = wanted
        self._pause_rates(wanted)
        if transport.is_closing():
            return
        if wanted:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _pause_rates(self, is_paused: bool) -> None:
        """Don't hold what gathers while we don't read against the peer."""
        now = self.loop.time()
        # One that is made later wouldn't know of the pause.
        control_rate = self._rate_of_control() if is_paused else self._control_rate
        for bucket in (control_rate, self._message_rate, self._byte_rate):
            if bucket is not None:
                bucket.set_paused(is_paused, now)

    def _go_on_soon(self) -> None:
        if not self._is_going_on:
            self._is_going_on = True
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Read what the protocol has kept."""
        self._is_going_on = False
        if self._has_more and not self.is_reading_paused:
            self._has_more = False
            self._process(self.codec.receive(b""))
            self._adjust_transport()

    def start_streaming(self) -> Chunk | None:
        """Receive in chunks; see the protocol's method."""
        native.give_kept(self._transport)
        return self.codec.start_streaming()

    def _process(self, events: Generator[Event, None, None]) -> None:
        """Pass on what was received, as much as fits into this turn, and write what that caused."""
        self._busy = True
        left = BATCH
        try:
            for event in events:
                if isinstance(event, (Binary, Text)) and self._message_rate is None:
                    self.message_received(event.data)
                else:
                    self._dispatch(event)
                # Not kept while the next one is made.
                del event
                left -= 1
                if self._is_aborted:
                    events.close()
                    break
                if self.is_reading_paused or not left:
                    self._stop_reading(events)
                    break
            if self.codec.has_more:
                self._stop_reading(events)
        finally:
            self._busy = False
            # Collected later, after an exception, it would keep what others have in the buffer by then.
            events.close()
        self.flush()

    def _stop_reading(self, events: Generator[Event, None, None]) -> None:
        """Read on when reading isn't paused any more, or in the next turn."""
        events.close()
        self._has_more = True
        self._adjust_transport()
        if not self.is_reading_paused:
            self._go_on_soon()

    def _dispatch(self, event: Event) -> None:
        match event:
            case Text(data) | Binary(data):
                if self._is_within(self._message_rate, 1, "messages"):
                    self.message_received(data)
            case Chunk(data, ends_message):
                if not ends_message or self._is_within(self._message_rate, 1, "messages"):
                    self.chunk_received(data, ends_message)
            case Ping(data):
                if self._is_within(self._rate_of_control(), 1, "pings and pongs"):
                    self.ping_received(data)
            case Pong(data):
                if self._is_within(self._rate_of_control(), 1, "pings and pongs"):
                    self._receive_pong(data)
            case CloseReceived():
                self._limit_close()
                self.closing()
            case Broken(code, reason):
                self.rule_broken(code, reason)
            case _:
                self._handshake_event(event)

    def _rate_of_control(self) -> TokenBucket | None:
        """Return the bucket of pings and pongs; it is made for the first, and is as full as an older one."""
        rate = self.codec.limits.control_rate
        if self._control_rate is None and rate is not None:
            self._control_rate = TokenBucket(rate, self.loop.time())
        return self._control_rate

    def _is_within(self, bucket: TokenBucket | None, amount: int, what: str) -> bool:
        """Tell whether a rate allows for more; fail the connection if it doesn't."""
        if bucket is None or bucket.take(amount, self.loop.time()):
            return True
        error = RemoteProtocolError(f"more than {bucket.rate:g} {what} a second", CloseCode.POLICY_VIOLATION)
        self.fail(error.close_code, error.message, error)
        return False

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
            case _:
                handshaker.handshake_ended(self, event)
                self.start()

    def start(self) -> None:
        """Begin the open connection's life: call ``opened``, keep it alive, pass on what came early."""
        self._opening_ended()
        self._open_timer = None
        for head in (self.request, self.response):
            if head is not None:
                head.headers.pack()
        self._move()
        self._set_rates()
        if self._settings.ping_interval is not None:
            self._heartbeat = Heartbeat(self, self._settings.ping_interval, self._settings.ping_timeout)
        # First, as a listener may pause it again.
        self.resume_reading()
        self.opened()
        if self.codec.has_more or self.codec.side is Side.CLIENT:
            # There may be something that came early.
            self._has_more = True
            self._go_on_soon()
        self.flush()

    def _move(self) -> None:
        """Change to a faster transport, if there is one."""
        if self._transport is not None:
            self._transport = native.move(self, self._transport, is_paused=self._is_transport_paused)

    def _set_rates(self) -> None:
        limits, now = self.codec.limits, self.loop.time()
        self._control_rate = None
        for name in ("message_rate", "byte_rate"):
            rate = getattr(limits, name)
            if rate is not None:
                setattr(self, f"_{name}", TokenBucket(rate, now))

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
        assert self._handshaker is not None
        self._handshaker.connected(self)
        transport.set_write_buffer_limits(*self._settings.write_marks)
        self.flush()

    def data_received(self, data: ReadableBuffer) -> None:
        """Take bytes; ``data`` is used up when this returns."""
        if self._heartbeat is not None:
            self._heartbeat.heard = True
        if self._is_within(self._byte_rate, len(data), "bytes"):
            self._process(self.codec.receive(data))

    def eof_received(self) -> None:
        """The peer has shut down its side."""
        self.codec.receive_eof()
        self.flush()
        # asyncio's TLS of Python 3.11.2 and its like is lost if it is closed twice, and can't be cut then.
        if self._transport is not None and not self._transport.is_closing():
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
        # Last, as they may bring the buffer above its high-water mark again.
        self._send_waiting()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self.codec.receive_eof(exc)
        self._is_ending = True
        self._outbox = None
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
        waiters, self._drain_waiters = self._drain_waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    # What a face does about it

    def opened(self) -> None:
        """The connection is open."""

    def message_received(self, data: str | bytes) -> None:
        """A whole message arrived."""

    def chunk_received(self, data: str | bytes, ends_message: bool) -> None:
        """The next part of a message arrived that was asked for in pieces."""

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


if native.engine is not None:
    native.engine.learn_keys(key_pool)
    native.engine.learn_events_of_protocol(Text, Binary, Opcode)
    native.engine.learn_deflate(PerMessageDeflate, LARGE)
    native.engine.learn_connection(
        Connection, Protocol, Lifecycle, FrameReader, MessageReader, Prepared, Heartbeat, State.OPEN
    )
