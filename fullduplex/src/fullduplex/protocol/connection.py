"""A connection after its opening handshake, without input or output.

Bytes that arrived go in by ``receive_data`` and ``receive_eof``; what they
mean comes out of ``events_received``, and what is to be written of
``data_to_send``.  Pings are answered and the closing handshake is finished
without asking.  The opening handshake is in ``client`` and ``server``, which
extend this class.

Invariants:

1. ``lifecycle`` alone decides what may be sent; no check of state is repeated here.
2. While the output is blocked at most one pong waits in it.
3. After a broken rule, a failure or the peer's Close frame, input is dropped.
"""

from __future__ import annotations

import enum
from collections.abc import Generator, Iterator
from typing import Any

from ..close import Close, CloseCode
from ..exceptions import (
    ConnectionClosed,
    LocalProtocolError,
    PayloadTooBig,
    RemoteProtocolError,
    without_frames,
)
from ..kernels.pure import ReadableBuffer
from .events import Broken, Chunk, CloseReceived, Event, Ping, Pong
from .extensions.base import Extension
from .frames import FrameReader, Opcode, Piece, serialize_frame
from .limits import Limits
from .messages import MessageReader, extra_room
from .prepared import Prepared
from .states import Lifecycle, Side, State

__all__ = ["Connection", "Ending"]


class Ending(enum.IntEnum):
    """What to do with the transport once ``data_to_send`` is written."""

    #: Leave it open.
    NONE = 0
    #: Shut down our side, and drop what arrives until the peer does the same:
    #: closing at once could destroy what we just sent.
    HALF_CLOSE = 1
    #: Close it.
    CLOSE = 2


class Connection:
    """One side of a WebSocket connection (RFC 6455 5 to 7).

    Args:
        side: which end this is.
        limits: what the peer may make us keep or do.
    """

    # There may be very many: what a subclass adds goes into the dictionary that it has then.
    __slots__ = (
        "__weakref__",
        "_encoder",
        "_eof_received",
        "_events",
        "_frames",
        "_is_broken",
        "_is_sending_fragments",
        "_late_pong",
        "_messages",
        "_output",
        "extension",
        "has_more",
        "lifecycle",
        "limits",
        "output_is_blocked",
        "pieces_at_once",
        "side",
        "tap",
    )

    def __init__(self, side: Side, limits: Limits) -> None:
        self.side = side
        self.limits = limits
        self.lifecycle = Lifecycle()
        self.extension: Extension | None = None
        #: Set while what we write isn't taken; then only the newest ping is answered.
        self.output_is_blocked = False
        #: How many frames, or parts of them, ``receive`` reads at once; then it ends with ``has_more``.
        self.pieces_at_once: int | None = None
        #: True after ``receive`` has ended before it had read everything.
        self.has_more = False
        self._eof_received = False
        self._is_broken = False
        # While there is something in them.
        self._events: list[Event] | None = None
        self._output: list[bytes] | None = None
        self._late_pong: bytes | None = None
        # The extension that encodes the message being sent in fragments, if one does.
        self._encoder: Extension | None = None
        self._is_sending_fragments = False
        # While something is being received; they are made and equipped by ``_readers``.
        self._frames: FrameReader | None = None
        self._messages: MessageReader | None = None
        #: What is kept by a class that looks on; see ``observe.taps``.
        self.tap: Any = None

    def open(self, extension: Extension | None) -> None:
        """Begin to exchange frames; the opening handshake calls this when it succeeded."""
        self.lifecycle.opened()
        self.extension = extension

    # What we know

    @property
    def state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED."""
        return self.lifecycle.state

    @property
    def close_exception(self) -> ConnectionClosed:
        """How the connection closed, as an exception; complete once the state is CLOSED."""
        return self.lifecycle.exception()

    @property
    def ending(self) -> Ending:
        """What to do with the transport once ``data_to_send`` is written."""
        lifecycle = self.lifecycle
        if lifecycle.is_reading and not self._eof_received:
            return Ending.NONE
        if self._eof_received or (
            lifecycle.is_complete and self.side is Side.SERVER and not lifecycle.failed
        ):
            # 7.1.1: the server closes the transport first.
            return Ending.CLOSE
        return Ending.HALF_CLOSE if lifecycle.failed else Ending.NONE

    # What arrives

    def receive_data(self, data: ReadableBuffer) -> None:
        """Take bytes from the peer; ``events_received`` tells what they mean.

        ``data`` may be changed afterwards.  A broken rule doesn't raise: it
        fails the connection (7.1.7).
        """
        events = self._events = self._events or []
        for event in self.receive(data):
            if isinstance(event, Broken):
                self.fail(event.code, event.reason)
            else:
                events.append(event)

    def receive(self, data: ReadableBuffer) -> Generator[Event, None, None]:
        """Take bytes from the peer, and give what they mean as it is found.

        What is sent between two events goes out before the answer to the next
        one.  A generator that is closed keeps what it hasn't read; the next
        one, which may be given no data, goes on with it.  After ``Broken``
        nothing more is read, and ``fail`` is the caller's to call.
        """
        self.has_more = False
        if self._is_broken or not self.lifecycle.is_reading:
            return
        frames, messages = self._readers()
        try:
            if messages.is_behind:
                frames.keep(data)
                data = b""
                yield from self._while_reading(messages.catch_up())
                if not self.lifecycle.is_reading:
                    return
            # It may have changed after the last event that was taken.
            frames.room = messages.room
            pieces = frames.receive(data)
            try:
                for count, piece in enumerate(pieces, 1):
                    if piece.opcode >= Opcode.CLOSE:
                        yield self._receive_control(piece)
                    elif messages.is_streaming:
                        yield from self._while_reading(messages.stream(piece))
                    else:
                        message = messages.receive(piece)
                        if message is not None:
                            yield message
                            # Not kept while the next one is made.
                            del message
                    frames.room = messages.room
                    if not self.lifecycle.is_reading:
                        break
                    if count == self.pieces_at_once:
                        self.has_more = True
                        break
            finally:
                pieces.close()
        except RemoteProtocolError as error:
            yield self._broken(error.close_code, error)
        except PayloadTooBig as error:
            yield self._broken(CloseCode.MESSAGE_TOO_BIG, error)

    def _readers(self) -> tuple[FrameReader, MessageReader]:
        """Return what reads frames and what reads messages."""
        frames, messages = self._frames, self._messages
        if frames is None:
            limits = self.limits
            frames = self._frames = FrameReader(
                masked=self.side is Side.SERVER, max_frame=limits.frame, max_message=limits.message
            )
        if messages is None:
            messages = self._messages = MessageReader(self.limits, self.extension)
        if self.extension is not None:
            frames.rsv = self.extension.rsv
            frames.extra_room = messages.extra_room
        return frames, messages

    def release(self) -> None:
        """Give back what isn't needed until more arrives, if nothing is under way."""
        frames, messages = self._frames, self._messages
        if frames is not None and messages is not None and frames.is_idle and messages.is_idle:
            self._frames = self._messages = None

    @property
    def extra_room(self) -> int:
        """How many more bytes than the limit a compressed message of one frame may have."""
        return extra_room(self.limits)

    def receive_whole(self, opcode: Opcode, rsv: int, payload: bytes) -> Event | None:
        """Take the payload of a frame that is a message and was cut elsewhere, as ``receive`` would."""
        messages = self._messages or self._readers()[1]
        try:
            return messages.receive(Piece(opcode, rsv, True, payload, True))
        except RemoteProtocolError as error:
            return self._broken(error.close_code, error)
        except PayloadTooBig as error:
            return self._broken(CloseCode.MESSAGE_TOO_BIG, error)

    def _while_reading(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Give chunks until one of them makes the program fail the connection."""
        for chunk in chunks:
            yield chunk
            if not self.lifecycle.is_reading:
                break

    def _broken(self, code: int, error: Exception) -> Broken:
        self._is_broken = True
        # What it came from holds the data that it was raised over.
        error.__cause__ = error.__context__ = None
        self.lifecycle.cause = without_frames(error)
        return Broken(code, str(error))

    def start_streaming(self) -> Chunk | None:
        """Receive the message that is under way, or else the next one, as ``Chunk`` events.

        Returns what there is of it already; nothing of one that broke a rule.
        """
        return None if self._is_broken else self._readers()[1].start_streaming()

    def stop_streaming(self) -> None:
        """Receive the next message whole; one that is under way goes on in chunks."""
        if self._messages is not None:
            self._messages.stop_streaming()

    @property
    def bytes_assembled(self) -> int:
        """Bytes that are kept of a message that isn't whole yet."""
        return 0 if self._messages is None else self._messages.buffered

    def receive_eof(self, cause: Exception | None = None) -> None:
        """The peer has shut down its side of the transport, or the transport is gone, by ``cause``."""
        self._eof_received = True
        self.lifecycle.lost(cause)

    def events_received(self) -> list[Event]:
        """Return what was received since the last call."""
        events, self._events = self._events, None
        return events or []

    def _receive_control(self, piece: Piece) -> Event:
        if piece.opcode is Opcode.PING:
            self._answer_ping(piece.payload)
            return Ping(piece.payload)
        if piece.opcode is Opcode.PONG:
            return Pong(piece.payload)
        return self._receive_close(piece.payload)

    def _answer_ping(self, payload: bytes) -> None:
        # 5.5.2: also after our own Close frame, as long as the peer's hasn't come.
        if self.output_is_blocked:
            # 5.5.3: of several pings it is enough to answer the last.
            self._late_pong = payload
        else:
            self._send(Opcode.PONG, payload)

    def _receive_close(self, payload: bytes) -> CloseReceived:
        try:
            close = Close.parse(payload)
        except UnicodeDecodeError as error:
            raise RemoteProtocolError("close reason isn't UTF-8 (8.1)", CloseCode.INVALID_DATA) from error
        except ValueError as error:
            raise RemoteProtocolError(f"{error} (7.4)") from error
        self.lifecycle.close_received(close)
        if self.lifecycle.sent is None:
            # 5.5.1: the answer echoes what was received.
            self._send_close(close)
        return CloseReceived(close)

    # What is sent

    @property
    def is_sending_fragments(self) -> bool:
        """True between the first and the last fragment of a message that we send (5.4)."""
        return self._is_sending_fragments

    def send_message(
        self, opcode: Opcode, data: ReadableBuffer, *, fin: bool = True, compress: bool | None = None
    ) -> None:
        """Send a whole message, or with ``fin=False`` its first fragment.

        ``data`` is copied, so it may be changed afterwards.  ``compress`` tells
        whether to compress, if that is agreed; None leaves it to the extension.

        Raises:
            ConnectionClosed: if the connection is closing or closed.
            LocalProtocolError: if it isn't open yet, or a fragmented message isn't finished.
        """
        extension = self._begin_message(len(data), fin, compress)
        if not fin:
            self._is_sending_fragments = True
            self._encoder = extension
        if extension is None:
            self._send(opcode, data, fin=fin)
        else:
            self._send(opcode, extension.encode(data, ends_message=fin), fin=fin, rsv=extension.rsv)

    def send_continuation(self, data: ReadableBuffer, *, fin: bool) -> None:
        """Send the next fragment of a message begun by ``send_message(fin=False)``; errors are the same."""
        self.lifecycle.may_send_data()
        if not self._is_sending_fragments:
            raise LocalProtocolError("there is no fragmented message to continue")
        extension = self._encoder
        if fin:
            self._is_sending_fragments = False
        if extension is not None:
            data = extension.encode(data, ends_message=fin)
        self._send(Opcode.CONTINUATION, data, fin=fin)

    def send_prepared(self, message: Prepared) -> int:
        """Send a message that goes to many; errors are those of ``send_message``.

        A client's frames must be masked each with a key of its own (5.3), so
        only a server gains by it.  Returns the bytes that it takes.
        """
        if self.side is Side.CLIENT:
            self.send_message(message.opcode, message.data, compress=message.compress)
            return len(message.data)
        extension = self._begin_message(len(message.data), True, message.compress)
        frame = message.frame(extension)
        self._put(frame)
        if extension is not None:
            extension.sent_alone()
        return len(frame)

    def _begin_message(self, size: int, is_whole: bool, compress: bool | None) -> Extension | None:
        """See that a message may be sent; return the extension that is to encode it."""
        self.lifecycle.may_send_data()
        if self._is_sending_fragments:
            raise LocalProtocolError("a fragmented message isn't finished yet")
        extension = self.extension
        if extension is None or compress is False:
            return None
        if compress is None and is_whole and not extension.is_worthwhile(size):
            return None
        return extension

    def send_ping(self, data: bytes = b"") -> None:
        """Send a ping of at most 125 bytes.

        Raises:
            ConnectionClosed: if the connection is closing or closed.
            LocalProtocolError: if it isn't open yet, or ``data`` is too long.
        """
        self._send_control(Opcode.PING, data)

    def send_pong(self, data: bytes = b"") -> None:
        """Send a pong that nobody asked for; errors as with ``send_ping``."""
        self._send_control(Opcode.PONG, data)

    def _send_control(self, opcode: Opcode, data: bytes) -> None:
        self.lifecycle.may_send_data()
        if len(data) > 125:
            raise LocalProtocolError(
                f"a {opcode.name.lower()} carries at most 125 bytes, not {len(data)} (5.5)"
            )
        self._send(opcode, data)

    def send_close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Begin the closing handshake; code 1005 sends an empty Close frame.

        Nothing happens if a Close frame was sent or received already.

        Raises:
            LocalProtocolError: for a code or reason that may not be sent, or before the connection is open.
        """
        if self.lifecycle.state is State.CONNECTING:
            raise LocalProtocolError("the connection isn't open yet")
        close = Close(code, reason)
        try:
            close.serialize()
        except ValueError as error:
            raise LocalProtocolError(str(error)) from error
        if self.lifecycle.state is State.OPEN:
            self._send_close(close)

    def fail(self, code: int, reason: str = "", cause: BaseException | None = None) -> None:
        """Fail the connection: send a Close frame if that is still possible, and read no more (7.1.7).

        ``cause`` is what it fails by, unless that is known already.
        """
        if self.lifecycle.state is State.OPEN and self.lifecycle.sent is None:
            self._send_close(Close(code, _shorten(reason)))
        self.lifecycle.fail(cause)

    @property
    def bytes_to_send(self) -> int:
        """Bytes that ``data_to_send`` would return."""
        return sum(map(len, self._output or ()))

    def data_to_send(self) -> list[bytes]:
        """Return what is to be written, in order, and forget it."""
        if self._late_pong is not None and not self.output_is_blocked:
            payload, self._late_pong = self._late_pong, None
            if self.lifecycle.is_reading:
                self._send(Opcode.PONG, payload)
        output, self._output = self._output, None
        return output or []

    def _send_close(self, close: Close) -> None:
        self._send(Opcode.CLOSE, close.serialize())
        self.lifecycle.close_sent(close)

    def _send(self, opcode: Opcode, payload: ReadableBuffer, *, fin: bool = True, rsv: int = 0) -> None:
        self._put(serialize_frame(opcode, payload, fin=fin, rsv=rsv, masked=self.side is Side.CLIENT))

    def _last(self) -> bytes:
        """Return what was put last, and isn't taken yet."""
        assert self._output is not None
        return self._output[-1]

    def _put(self, data: bytes) -> None:
        """Let bytes be written."""
        if self._output is None:
            self._output = [data]
        else:
            self._output.append(data)


def _shorten(reason: str) -> str:
    """Cut a reason to what fits into a Close frame."""
    return reason.encode()[:120].decode(errors="ignore")
