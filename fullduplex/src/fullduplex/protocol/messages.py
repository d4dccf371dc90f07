"""Messages: fragments put together, inflated, decoded, and held to their limits.

``MessageReader`` takes the pieces that ``frames`` cuts and gives whole
messages.  It doesn't know sockets, states or the order of frames.

Invariants:

1. A message is kept in one buffer, however many pieces it came in: a fragment
   costs no object.
2. The buffer never holds more than the limit and one byte.
3. Text is checked as it arrives: the first byte that no continuation can make
   valid fails the message (8.1).
"""

from __future__ import annotations

from ..close import CloseCode
from ..exceptions import PayloadTooBig, RemoteProtocolError
from ..kernels import utf8_prefix
from .events import Binary, Text
from .extensions.base import Extension
from .frames import Opcode, Piece
from .limits import Limits

__all__ = ["MessageReader"]


class MessageReader:
    """Builds the messages of one peer; ``extension`` inflates those that say so."""

    __slots__ = (
        "_buffer",
        "_checked",
        "_compressed",
        "_extension",
        "_fragments",
        "_limits",
        "_opcode",
        "_wire",
    )

    def __init__(self, limits: Limits, extension: Extension | None = None) -> None:
        self._limits = limits
        self._extension = extension
        self._begin()

    def _begin(self) -> None:
        self._opcode: Opcode | None = None
        self._compressed = False
        self._buffer = bytearray()
        self._checked = 0
        self._fragments = 0
        self._wire = 0

    @property
    def room(self) -> int | None:
        """How many more bytes of payload the message may have on the wire.

        Where compression is agreed, that is somewhat more than the limit, as
        data that can't be compressed grows.
        """
        limit = self._limits.message
        if limit is None:
            return None
        if self._extension is not None:
            # zlib's deflateBound adds at most an eighth and a sixty-fourth, and flushing a fragment 10 bytes.
            limit += limit // 7 + 16 * (self._fragments + 1)
        return limit - self._wire

    def receive(self, piece: Piece) -> Text | Binary | None:
        """Take one piece of a data frame; return the message that it ends, if it does.

        Raises:
            PayloadTooBig: when the message is over its limit.
            RemoteProtocolError: 1007 for text that isn't UTF-8, 1009 for too many fragments.
        """
        if self._opcode is None:
            self._opcode = piece.opcode
            self._compressed = piece.rsv != 0
            if piece.fin and piece.ends_frame and not piece.rsv:
                self._opcode = None
                return self._whole(piece)
        self._wire += len(piece.payload)
        if piece.ends_frame:
            self._fragments += 1
            if self._fragments > self._limits.fragments:
                raise RemoteProtocolError(
                    f"message has more than {self._limits.fragments} fragments",
                    CloseCode.MESSAGE_TOO_BIG,
                )
        ends_message = piece.ends_frame and piece.fin
        self._add(piece.payload, ends_message)
        return self._finish() if ends_message else None

    def _whole(self, piece: Piece) -> Text | Binary:
        """Make a message of the only piece it has."""
        limit = self._limits.message
        if limit is not None and len(piece.payload) > limit:
            raise PayloadTooBig(len(piece.payload), limit)
        if piece.opcode is Opcode.BINARY:
            return Binary(piece.payload)
        try:
            return Text(piece.payload.decode())
        except UnicodeDecodeError as error:
            raise _not_utf8(error) from error

    def _add(self, data: bytes, ends_message: bool) -> None:
        limit = self._limits.message
        if self._compressed and self._extension is not None:
            left = None if limit is None else limit - len(self._buffer)
            data = self._extension.decode(data, ends_message=ends_message, limit=left)
        self._buffer += data
        if limit is not None and len(self._buffer) > limit:
            raise PayloadTooBig(None, limit)
        if self._opcode is Opcode.TEXT:
            self._check_text(ends_message)

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


def _not_utf8(error: UnicodeDecodeError) -> RemoteProtocolError:
    return RemoteProtocolError(f"text isn't UTF-8: {error.reason} (8.1)", CloseCode.INVALID_DATA)
