"""Frames: how RFC 6455 section 5 cuts a stream of bytes.

``FrameReader`` takes bytes in any split and gives payloads, unmasked.  Every
rule that one frame or the order of frames can break is checked here, from
the first two bytes on, before a length or a payload is looked at.  It doesn't
know what the payload means, and doesn't know extensions: which RSV bits are
spoken for, and how many bytes a message may still have, it is told.

Invariants:

1. No more than a partial head or a partial control frame is kept, and what an
   iterator that was closed early had not read: payloads of data frames are
   passed on as they arrive.
2. Memory is never set aside for a length that a head only claims.
3. After an error the reader isn't used again.
"""

from __future__ import annotations

import enum
import os
import struct
from collections.abc import Generator, Iterator
from typing import NamedTuple

from ..exceptions import PayloadTooBig, RemoteProtocolError
from ..kernels import apply_mask, frame_head
from ..kernels.pure import ReadableBuffer

__all__ = ["FrameReader", "Opcode", "Piece", "key_pool", "masking_key", "serialize_frame"]

FIN = 0x80
RSV_BITS = 0x70
MAX_CONTROL_PAYLOAD = 125


class Opcode(enum.IntEnum):
    """The opcodes that have a meaning (5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


OPCODES = {int(opcode): opcode for opcode in Opcode}


class Piece(NamedTuple):
    """Some payload of one frame, unmasked.

    A control frame is always one piece.  ``ends_frame`` marks the last piece
    of a frame; with ``fin`` as well, the message is whole.
    """

    opcode: Opcode
    rsv: int
    fin: bool
    payload: bytes
    ends_frame: bool


class FrameReader:
    """Reads the frames of one peer.

    Args:
        masked: whether the peer must mask (5.1): true on the server's side.
        rsv: the RSV bits that an extension has claimed, as in the first byte.
        max_frame: payload bytes that a data frame may have; None for no limit.
        max_message: payload bytes that a message may have, which an error tells; ``room`` is what counts.
    """

    __slots__ = (
        "_buffer",
        "_in_message",
        "_key",
        "_left",
        "_max_frame",
        "_max_message",
        "_opcode",
        "_rsv_fin",
        "extra_room",
        "masked",
        "room",
        "rsv",
    )

    def __init__(
        self, *, masked: bool, rsv: int = 0, max_frame: int | None = None, max_message: int | None = None
    ) -> None:
        self.masked = masked
        self.rsv = rsv
        #: How many payload bytes the message being received may still have.
        self.room: int | None = None
        #: How many more if the message is marked by an extension's bit.
        self.extra_room = 0
        self._max_frame = max_frame
        self._max_message = max_message
        self._buffer = b""
        self._in_message = False
        # The frame being received: nothing to do while _left is 0.
        self._left = 0
        self._key = b""
        self._opcode = Opcode.CONTINUATION
        self._rsv_fin = 0

    def receive(self, data: ReadableBuffer) -> Generator[Piece, None, None]:
        """Read ``data`` and give the pieces in it.

        The caller may change ``room`` between two pieces.  A generator that is
        closed keeps what it hasn't read; the next one goes on with it.

        Raises:
            RemoteProtocolError: 1002, as soon as a rule is broken.
            PayloadTooBig: from the head alone, when a frame claims more than there is room for.
        """
        if self._buffer:
            data = self._buffer + bytes(data)
            self._buffer = b""
        view = memoryview(data)
        end = len(view)
        position = 0
        try:
            while position < end:
                if self._left:
                    start, position = position, min(end, position + self._left)
                    yield self._next_piece(view[start:position])
                    continue
                head_end = self._read_head(view, position, end)
                if head_end is None:
                    break
                position = head_end
                if not self._left:
                    yield self._piece(view[:0], ends_frame=True)
        finally:
            if position < end:
                self._buffer = bytes(view[position:])

    @property
    def is_idle(self) -> bool:
        """True if what comes next is the first frame of a message, and nothing of it is there."""
        return not (self._left or self._in_message or self._buffer)

    def keep(self, data: ReadableBuffer) -> None:
        """Take bytes without reading them; the next ``receive`` begins with them."""
        self._buffer += bytes(data)

    def _read_head(self, view: memoryview, position: int, end: int) -> int | None:
        """Read one head, and for a control frame see that its payload is there.

        Returns where the payload begins, or None when more bytes are needed.
        """
        first = view[position]
        opcode = self._check_first(first)
        if end - position < 2:
            return None
        second = view[position + 1]
        length = second & 0x7F
        self._check_second(opcode, second, length)
        at = position + 2
        if length >= 126:
            size = 2 if length == 126 else 8
            if end - at < size:
                return None
            length = int.from_bytes(view[at : at + size], "big")
            if length >> 63:
                raise RemoteProtocolError("frame length has its top bit set (5.2)")
            at += size
        is_data = opcode < Opcode.CLOSE
        if is_data:
            self._check_length(length, is_marked=bool(first & self.rsv))
        if self.masked:
            if end - at < 4:
                return None
            self._key = bytes(view[at : at + 4])
            at += 4
        if is_data:
            self._in_message = not first & FIN
        elif end - at < length:
            return None
        self._opcode = opcode
        self._rsv_fin = first
        self._left = length
        return at

    def _check_first(self, first: int) -> Opcode:
        opcode = OPCODES.get(first & 0x0F)
        if opcode is None:
            raise RemoteProtocolError(f"reserved opcode {first & 0x0F} (5.2)")
        is_control = opcode >= Opcode.CLOSE
        # An extension's bit belongs to the first frame of a message (RFC 7692 6).
        allowed = 0 if is_control or opcode is Opcode.CONTINUATION else self.rsv
        if first & RSV_BITS & ~allowed:
            raise RemoteProtocolError("reserved bits must be 0 (5.2)")
        if is_control:
            if not first & FIN:
                raise RemoteProtocolError("fragmented control frame (5.5)")
        elif opcode is Opcode.CONTINUATION:
            if not self._in_message:
                raise RemoteProtocolError("continuation frame without a message to continue (5.4)")
        elif self._in_message:
            raise RemoteProtocolError("expected a continuation frame (5.4)")
        return opcode

    def _check_second(self, opcode: Opcode, second: int, length: int) -> None:
        if bool(second & 0x80) is not self.masked:
            raise RemoteProtocolError(
                "unmasked client frame (5.1)" if self.masked else "masked server frame (5.1)"
            )
        if opcode >= Opcode.CLOSE and length > MAX_CONTROL_PAYLOAD:
            raise RemoteProtocolError("control frame over 125 bytes (5.5)")

    def _check_length(self, length: int, *, is_marked: bool) -> None:
        if self._max_frame is not None and length > self._max_frame:
            raise PayloadTooBig(length, self._max_frame, "frame")
        if self.room is not None and length > self.room + is_marked * self.extra_room:
            limit = self.room if self._max_message is None else self._max_message
            raise PayloadTooBig(length if length > limit else None, limit)

    def _next_piece(self, view: memoryview) -> Piece:
        """Take some payload of the frame being received."""
        size = len(view)
        self._left -= size
        piece = self._piece(view, ends_frame=not self._left)
        if self._left and size % 4:
            # The next piece goes on in the middle of the masking key.
            self._key = self._key[size % 4 :] + self._key[: size % 4]
        return piece

    def _piece(self, view: memoryview, *, ends_frame: bool) -> Piece:
        payload = apply_mask(view, self._key) if self.masked else bytes(view)
        head = self._rsv_fin
        return Piece(self._opcode, head & RSV_BITS, bool(head & FIN), payload, ends_frame)


class _KeyPool:
    """Masking keys from the operating system's random source, a page at a time.

    5.3: a key must not be predictable.  One system call a key costs more than
    masking a short message.  A key that was used has been on the wire, and is
    no secret any more.
    """

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        # One step of an iterator in C takes a key: no two threads get the same.
        self._keys: Iterator[tuple[bytes]] = iter(())
        # A child process must not use its parent's keys again.
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._drop)

    def _drop(self) -> None:
        self._keys = iter(())

    def take(self) -> bytes:
        """Return a key that nobody else gets."""
        found = next(self._keys, None)
        if found is None:
            keys = struct.iter_unpack("4s", os.urandom(4096))
            found = next(keys)
            self._keys = keys
        return found[0]


key_pool = _KeyPool()
masking_key = key_pool.take


def serialize_frame(opcode: Opcode, payload: ReadableBuffer, *, fin: bool, rsv: int, masked: bool) -> bytes:
    """Return a frame's bytes, masked with a fresh key when ``masked`` (5.2, 5.3)."""
    first = (FIN if fin else 0) | rsv | opcode
    if masked:
        key = masking_key()
        return frame_head(first, len(payload), key) + apply_mask(payload, key)
    return frame_head(first, len(payload)) + payload
