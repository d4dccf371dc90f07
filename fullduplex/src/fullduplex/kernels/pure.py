"""The inner loops in plain Python: masking, frame heads, UTF-8.

These functions know bytes and nothing else: no state, no sockets, no
opcodes.  They are the definition that a native twin is compared with.
"""

from __future__ import annotations

import codecs
from typing import TypeAlias

__all__ = ["ReadableBuffer", "apply_mask", "frame_head", "utf8_prefix"]

ReadableBuffer: TypeAlias = bytes | bytearray | memoryview


def apply_mask(data: ReadableBuffer, key: bytes) -> bytes:
    """Return ``data`` exclusive-ored with the four bytes of ``key``, repeated (5.3).

    Masking twice with the same key gives the data back.
    """
    length = len(data)
    # One big integer is 40 times faster than a loop over bytes.
    pad = key * (length // 4) + key[: length % 4]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(length, "little")


def frame_head(first: int, length: int, key: bytes | None = None) -> bytes:
    """Return the head of a frame: first byte, length in its shortest form, masking key (5.2)."""
    mask_bit = 0 if key is None else 0x80
    if length < 126:
        head = bytes((first, mask_bit | length))
    elif length < 65536:
        head = bytes((first, mask_bit | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + length.to_bytes(8, "big")
    return head if key is None else head + key


def utf8_prefix(data: ReadableBuffer, final: bool) -> int:
    """Return how many leading bytes of ``data`` are whole, valid characters.

    Bytes after them begin a character that isn't complete yet; when ``final``
    that is an error as well.

    Raises:
        UnicodeDecodeError: at the first byte that no continuation can make valid.
    """
    prefix = codecs.utf_8_decode(data, "strict", final)[1]
    if prefix + 2 <= len(data) and data[prefix] == 0xED and data[prefix + 1] >= 0xA0:
        # CPython waits for the third byte of a surrogate, which is never valid (RFC 3629 3).
        raise UnicodeDecodeError("utf-8", bytes(data), prefix, prefix + 2, "invalid continuation byte")
    return prefix
