"""Protocols that also tell what goes through them: sizes of messages, lines for a log.

A protocol that nobody listens to has nothing of this: one that is listened to
becomes, before its first byte, of a class that extends its own.  These classes
know frames and messages.  They don't know connections or observers; what they
found out is taken from them.

Invariants:

1. What a tapped protocol reads and writes is, byte for byte, what it would without.
2. It refers to nobody that refers to it.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from typing import Any, TypeVar, cast

from ..kernels.pure import ReadableBuffer
from ..protocol.client import ClientConnection
from ..protocol.connection import Connection
from ..protocol.events import Binary, Broken, Chunk, Event, Text
from ..protocol.frames import FrameReader, Opcode, Piece
from ..protocol.http11 import Request, Response
from ..protocol.prepared import Prepared
from ..protocol.server import ServerConnection
from ..protocol.states import Side
from .frame_log import FrameLog
from .observer import Kind

__all__ = ["Counting", "extend", "tap"]

T = TypeVar("T")


def extend(thing: T, *extensions: type[T]) -> None:
    """Make an object be of a class that extends its own by those given, the first of them foremost.

    They have no ``__init__``, and slots without a name.  Those that it has already are passed over.
    """
    new = tuple(extension for extension in extensions if not isinstance(thing, extension))
    if new:
        thing.__class__ = _extended(cast(Any, type(thing)), new)


@functools.lru_cache(maxsize=128)
def _extended(kind: type[Any], extensions: tuple[type[Any], ...]) -> Any:
    about = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (*extensions, kind), {**about, "__slots__": ()})


def tap(codec: ServerConnection | ClientConnection, *, counts: bool, log: FrameLog | None) -> None:
    """Let a protocol that hasn't read or opened yet count its messages, and write its frames to a log."""
    extensions: list[type[Connection]] = [Counting] if counts else []
    if log is not None:
        extensions.append(_LoggingServer if codec.side is Side.SERVER else _LoggingClient)
    extend(cast(Connection, codec), *extensions)
    limits = codec.limits
    frames = codec._frames = _TappedReader(
        masked=codec.side is Side.SERVER, max_frame=limits.frame, max_message=limits.message
    )
    frames.log = log
    codec.tap = Tap(log)


class Tap:
    """What a tapped protocol keeps."""

    __slots__ = ("kind", "log", "sent", "size", "wire_size")

    def __init__(self, log: FrameLog | None) -> None:
        self.log: Any = log
        #: The messages sent since somebody took them: their kinds, sizes, and sizes on the wire.
        self.sent: list[tuple[Kind, int, int]] = []
        # Of the message being sent.
        self.kind: Kind = "text"
        self.size = 0
        self.wire_size = 0


class _TappedReader(FrameReader):
    """Reads frames, and counts and logs them."""

    __slots__ = ("log", "payload_size")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.log: FrameLog | None = None
        #: Bytes in data frames since somebody set it to 0.
        self.payload_size = 0

    @property
    def is_idle(self) -> bool:
        """False: it isn't given back, as another one would count and log nothing."""
        return False

    def receive(self, data: ReadableBuffer) -> Generator[Piece, None, None]:
        pieces = super().receive(data)
        try:
            for piece in pieces:
                if piece.opcode < Opcode.CLOSE:
                    self.payload_size += len(piece.payload)
                if self.log is not None:
                    self.log.piece_read(piece)
                yield piece
        finally:
            pieces.close()


class Counting(Connection):
    """Counts the bytes of messages."""

    __slots__ = ()

    tap: Tap
    _frames: _TappedReader

    def take_received(self) -> int:
        """Return the size on the wire of the message that was received last, once."""
        size, self._frames.payload_size = self._frames.payload_size, 0
        return size

    def send_message(
        self, opcode: Opcode, data: ReadableBuffer, *, fin: bool = True, compress: bool | None = None
    ) -> None:
        """Send a message, and count it."""
        super().send_message(opcode, data, fin=fin, compress=compress)
        self.tap.kind = _kind_of(opcode)
        self._count(len(data), fin)

    def send_continuation(self, data: ReadableBuffer, *, fin: bool) -> None:
        """Send a fragment, and count it."""
        super().send_continuation(data, fin=fin)
        self._count(len(data), fin)

    def send_prepared(self, message: Prepared) -> int:
        """Send a message that goes to many, and count it."""
        size = super().send_prepared(message)
        # A client sends it as any other message.
        if self.side is Side.SERVER:
            self.tap.sent.append((_kind_of(message.opcode), len(message.data), _payload_size(self._last())))
        return size

    def _send(self, opcode: Opcode, payload: ReadableBuffer, *, fin: bool = True, rsv: int = 0) -> None:
        super()._send(opcode, payload, fin=fin, rsv=rsv)
        if opcode < Opcode.CLOSE:
            self.tap.wire_size += len(payload)

    def _count(self, size: int, fin: bool) -> None:
        tap = self.tap
        tap.size += size
        if fin:
            tap.sent.append((tap.kind, tap.size, tap.wire_size))
            tap.size = tap.wire_size = 0


class _Logging(Connection):
    """Writes frames to a log."""

    __slots__ = ()

    tap: Tap

    def receive(self, data: ReadableBuffer) -> Generator[Event, None, None]:
        events = super().receive(data)
        try:
            for event in events:
                self._log(event)
                yield event
                # Not kept while the next one is made.
                del event
        finally:
            events.close()
            self.tap.log.decoded(None)

    def _log(self, event: Event) -> None:
        match event:
            case Text(data) | Binary(data) | Chunk(data):
                self.tap.log.decoded(data)
            case Broken(code, reason):
                self.tap.log.decoded(None)
                self.tap.log.rule_broken(code, reason)
            case Request():
                self.tap.log.request_read(event)
            case Response():
                self.tap.log.response_read(event)

    def send_message(
        self, opcode: Opcode, data: ReadableBuffer, *, fin: bool = True, compress: bool | None = None
    ) -> None:
        self.tap.log.plain = data
        try:
            super().send_message(opcode, data, fin=fin, compress=compress)
        finally:
            self.tap.log.plain = b""

    def send_continuation(self, data: ReadableBuffer, *, fin: bool) -> None:
        self.tap.log.plain = data
        try:
            super().send_continuation(data, fin=fin)
        finally:
            self.tap.log.plain = b""

    def send_prepared(self, message: Prepared) -> int:
        size = super().send_prepared(message)
        if self.side is Side.SERVER:
            frame = self._last()
            self.tap.log.plain = message.data
            payload = frame[len(frame) - _payload_size(frame) :]
            self.tap.log.frame_sent(message.opcode, payload, fin=True, rsv=frame[0] & 0x70)
            self.tap.log.plain = b""
        return size

    def _send(self, opcode: Opcode, payload: ReadableBuffer, *, fin: bool = True, rsv: int = 0) -> None:
        super()._send(opcode, payload, fin=fin, rsv=rsv)
        self.tap.log.frame_sent(opcode, payload, fin=fin, rsv=rsv)


class _LoggingServer(_Logging, ServerConnection):
    """Writes its response as well."""

    __slots__ = ()

    def send_response(self, response: Response, *, more_body: bool = False) -> None:
        super().send_response(response, more_body=more_body)
        self.tap.log.response_sent(response)


class _LoggingClient(_Logging, ClientConnection):
    """Writes a response that refuses as well."""

    __slots__ = ()

    def _fail_handshake(self, error: Exception) -> None:
        super()._fail_handshake(error)
        if self.response is not None:
            self.tap.log.response_read(self.response)
        self.tap.log.handshake_failed(error)


def _kind_of(opcode: Opcode) -> Kind:
    return "text" if opcode is Opcode.TEXT else "binary"


def _payload_size(frame: bytes) -> int:
    """Return the payload's size of an unmasked frame (5.2)."""
    size = frame[1]
    if size < 126:
        return size
    return int.from_bytes(frame[2:4] if size == 126 else frame[2:10], "big")
