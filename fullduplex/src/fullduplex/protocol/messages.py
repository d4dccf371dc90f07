"""Messages: fragments put together, inflated, decoded, and held to their limits.

``MessageReader`` takes the pieces that ``frames`` cuts and gives whole
messages, or, of a message that is to be received in pieces, chunks.  It
doesn't know sockets, states or the order of frames.

Invariants:

1. A message is kept in one buffer, however many pieces it came in: a fragment
   costs no object.
2. The buffer never holds more than the limit and one byte; of a message
   received in pieces, never more than an incomplete character.
3. Text is checked as it arrives: the first byte that no continuation can make
   valid fails the message (8.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..close import CloseCode
from ..exceptions import PayloadTooBig, RemoteProtocolError
from ..kernels import utf8_prefix
from .events import Binary, Chunk, Text
from .extensions.base import Extension
from .frames import Opcode, Piece
from .limits import Limits

__all__ = ["CHUNK_SIZE", "MessageReader", "extra_room"]

#: What one chunk of a compressed message holds at most.
CHUNK_SIZE = 64 * 1024


class MessageReader:
    """Builds the messages of one peer; ``extension`` inflates those that say so."""

    __slots__ = (
        "_buffer",
        "_checked",
        "_compressed",
        "_ends_message",
        "_extension",
        "_fragments",
        "_limits",
        "_opcode",
        "_size",
        "_wire",
        "is_streaming",
    )

    def __init__(self, limits: Limits, extension: Extension | None = None) -> None:
        self._limits = limits
        self._extension = extension
        self._begin()

    def _begin(self) -> None:
        self._opcode: Opcode | None = None
        self._compressed = False
        self._ends_message = False
        self._buffer = bytearray()
        self._checked = 0
        self._fragments = 0
        # Bytes of the message: what came in, and what it stands for.
        self._wire = 0
        self._size = 0
        #: Whether the message is given in chunks; see ``start_streaming``.
        self.is_streaming = False

    @property
    def room(self) -> int | None:
        """How many more bytes of payload the message may have on the wire; of one not begun, uncompressed."""
        limit = self._limits.message
        if limit is None:
            return None
        extra = extra_room(self._limits, self._fragments + 1) if self._compressed else 0
        return limit + extra - self._wire

    @property
    def extra_room(self) -> int:
        """How many more bytes the first frame of a compressed message may have."""
        return extra_room(self._limits)

    @property
    def is_idle(self) -> bool:
        """True if no message has begun, and the next one isn't awaited in chunks."""
        return self._opcode is None and not self.is_streaming

    @property
    def buffered(self) -> int:
        """How many bytes are kept of the message that isn't whole yet."""
        return len(self._buffer)

    # Whole messages

    def receive(self, piece: Piece) -> Text | Binary | None:
        """Take one piece of a data frame; return the message that it ends, if it does.

        Raises:
            PayloadTooBig: when the message is over its limit.
            RemoteProtocolError: 1007 for text that isn't UTF-8, 1009 for too many fragments.
        """
        if self._opcode is None and piece.fin and piece.ends_frame and not piece.rsv:
            return self._whole(piece)
        self._count(piece)
        if self._fragments > self._limits.fragments:
            raise RemoteProtocolError(
                f"message has more than {self._limits.fragments} fragments",
                CloseCode.MESSAGE_TOO_BIG,
            )
        data = piece.payload
        if self._compressed and self._extension is not None:
            data = self._extension.decode(data, ends_message=self._ends_message, size=self._most())
        self._grow(data)
        if self._ends_message and not self._buffer:
            opcode = self._opcode
            self._begin()
            return _message(opcode, data)
        self._buffer += data
        if self._opcode is Opcode.TEXT:
            self._check_text(self._ends_message)
        return self._finish() if self._ends_message else None

    def _whole(self, piece: Piece) -> Text | Binary:
        """Make a message of the only piece it has."""
        limit = self._limits.message
        if limit is not None and len(piece.payload) > limit:
            raise PayloadTooBig(len(piece.payload), limit)
        return _message(piece.opcode, piece.payload)

    def _count(self, piece: Piece) -> None:
        if self._opcode is None:
            self._opcode = piece.opcode
            self._compressed = piece.rsv != 0
        self._wire += len(piece.payload)
        self._fragments += piece.ends_frame
        self._ends_message = piece.ends_frame and piece.fin

    def _most(self) -> int | None:
        """How much may come out of the extension: one byte more than allowed tells that it is too much."""
        limit = self._limits.message
        return None if limit is None else limit - self._size + 1

    def _grow(self, data: bytes) -> None:
        """Count what is added to the message."""
        self._size += len(data)
        limit = self._limits.message
        if limit is not None and self._size > limit:
            raise PayloadTooBig(None, limit)

    def _check_text(self, final: bool) -> None:
        # Released before the buffer may grow again.
        with memoryview(self._buffer) as view, view[self._checked :] as rest:
            try:
                self._checked += utf8_prefix(rest, final)
            except UnicodeDecodeError as error:
                raise _not_utf8(error) from error

    def _finish(self) -> Text | Binary:
        message = Text(self._buffer.decode()) if self._opcode is Opcode.TEXT else Binary(bytes(self._buffer))
        self._begin()
        return message

    # Messages in pieces

    def start_streaming(self) -> Chunk | None:
        """Give the message being received, or else the next one, in chunks; return what there is already."""
        self.is_streaming = True
        chunk = self._chunk(False)
        return chunk if chunk.data else None

    def stop_streaming(self) -> None:
        """Give the next message whole; one that has begun goes on in chunks."""
        if self._opcode is None:
            self.is_streaming = False

    def stream(self, piece: Piece) -> Iterator[Chunk]:
        """Take one piece of a data frame; give the chunks that it makes, none of them empty but a last one.

        After a generator that was closed early, ``catch_up`` gives the rest.
        Errors are those of ``receive``; as nothing is kept, fragments aren't limited.
        """
        self._count(piece)
        if self._compressed and self._extension is not None:
            data = self._extension.decode(
                piece.payload, ends_message=self._ends_message, size=self._most_of_chunk()
            )
            yield from self._stream(data)
            yield from self.catch_up()
        else:
            yield from self._stream(piece.payload)

    @property
    def is_behind(self) -> bool:
        """True while there is more to come of a piece that was taken."""
        return self._extension is not None and self._extension.is_behind

    def catch_up(self) -> Iterator[Chunk]:
        """Give the chunks still to come of the piece that was taken last."""
        while self._extension is not None and self._extension.is_behind:
            data = self._extension.decode(b"", ends_message=self._ends_message, size=self._most_of_chunk())
            yield from self._stream(data)

    def _most_of_chunk(self) -> int:
        return min(CHUNK_SIZE, self._most() or CHUNK_SIZE)

    def _stream(self, data: bytes) -> Iterator[Chunk]:
        self._grow(data)
        self._buffer += data
        chunk = self._chunk(self._ends_message and not self.is_behind)
        if chunk.ends_message:
            self._begin()
        if chunk.data or chunk.ends_message:
            yield chunk

    def _chunk(self, final: bool) -> Chunk:
        """Make a chunk of what the buffer holds, but for a character that isn't complete."""
        if self._opcode is not Opcode.TEXT:
            data = bytes(self._buffer)
            self._buffer.clear()
            return Chunk(data, final)
        self._check_text(final)
        text = self._buffer[: self._checked].decode()
        del self._buffer[: self._checked]
        self._checked = 0
        return Chunk(text, final)


def extra_room(limits: Limits, fragments: int = 1) -> int:
    """Return how many more bytes than the limit a compressed message may have on the wire."""
    # zlib's deflateBound adds at most an eighth and a sixty-fourth, and flushing a fragment 10 bytes.
    return (limits.message or 0) // 7 + 16 * fragments


def _message(opcode: Opcode | None, data: bytes) -> Text | Binary:
    """Make a message of all its bytes."""
    if opcode is Opcode.BINARY:
        return Binary(data)
    try:
        return Text(data.decode())
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from error


def _not_utf8(error: UnicodeDecodeError) -> RemoteProtocolError:
    return RemoteProtocolError(f"text isn't UTF-8: {error.reason} (8.1)", CloseCode.INVALID_DATA)
