"""permessage-deflate: messages compressed with DEFLATE (RFC 7692).

The numbers here are those of RFC 7692.  This module knows its parameters and
zlib, or what stands in for it; it doesn't know frames or handshakes.

Invariants:

1. zlib contexts are made when first used, and can be given back between any two
   messages; without context takeover none outlives a message.
2. Inflating never gives more than it was asked for.
3. A deflate context refers to nothing but what it has deflated itself, which is
   what the peer has inflated last: otherwise there is none.
"""

from __future__ import annotations

import functools
import importlib
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from ...close import CloseCode
from ...exceptions import (
    DuplicateParameter,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
    RemoteProtocolError,
)
from ...kernels.pure import ReadableBuffer
from .base import Parameters

__all__ = ["LARGE", "PerMessageDeflate", "PerMessageDeflateFactory"]

NAME = "permessage-deflate"
#: 7.2.1: what a sync flush ends with, and what isn't sent.
TAIL = b"\x00\x00\xff\xff"
#: 7.2.3.4 allows final blocks inside a message; each costs a new context.
MAX_FINAL_BLOCKS = 256
#: From which size on zlib-ng does the work: its contexts have four times the memory, which many connections
#: with small messages pay for in cache misses, and large messages don't.
LARGE = 4096
#: By how much a message is likely to have been compressed.
LIKELY_RATIO = 4

#: A module with the names of the standard library's zlib.
Zlib: TypeAlias = Any


@functools.cache
def zlib_ng() -> Zlib:
    """Return zlib-ng where it is installed, and otherwise the standard library's zlib."""
    try:
        return importlib.import_module("zlib_ng.zlib_ng")
    except ImportError:
        return zlib


class Kind(NamedTuple):
    """What a payload of ``encode_alone`` depends on."""

    bits: int
    level: int
    memory_level: int
    threshold: int
    #: None chooses between zlib and zlib-ng.
    module: Zlib | None

    def module_for(self, size: int) -> Zlib:
        """Return what deflates or inflates so many bytes."""
        return self.module or (zlib if size < LARGE else zlib_ng())


#: There is one of a kind.
_kind = functools.lru_cache(Kind)


class PerMessageDeflate:
    """The compression of one connection."""

    __slots__ = (
        "_deflate",
        "_final_blocks",
        "_inflate",
        "_is_for_small",
        "_is_idle",
        "_is_inflating",
        "_rest",
        "_window",
        "is_behind",
        "kind",
        "local_bits",
        "local_no_takeover",
        "remote_bits",
        "remote_no_takeover",
    )

    name = NAME
    rsv = 0x40

    def __init__(
        self,
        *,
        local_bits: int,
        remote_bits: int,
        local_no_takeover: bool,
        remote_no_takeover: bool,
        level: int,
        memory_level: int,
        threshold: int,
        module: Zlib | None = None,
    ) -> None:
        self.local_bits = local_bits
        self.remote_bits = remote_bits
        self.local_no_takeover = local_no_takeover
        self.remote_no_takeover = remote_no_takeover
        #: What a payload of ``encode_alone`` depends on.
        self.kind = _kind(local_bits, level, memory_level, threshold, module)
        self._deflate: zlib._Compress | None = None
        # Whether another module had rather deflated what is large.
        self._is_for_small = False
        self._inflate: zlib._Decompress | None = None
        # The end of what was inflated; it is twice the window at most.
        self._window = bytearray()
        self._final_blocks = 0
        #: True while there is more to come of what ``decode`` was given.
        self.is_behind = False
        self._is_inflating = False
        self._is_idle = True
        self._rest = b""

    # Sending

    def is_worthwhile(self, size: int) -> bool:
        """Tell whether a message of ``size`` bytes is to be compressed."""
        return size >= self.kind.threshold

    def encode(self, data: ReadableBuffer, *, ends_message: bool) -> bytes:
        """Compress the next part of a message (7.2.1)."""
        self._is_idle = False
        deflate = self._deflate
        if deflate is None or (self._is_for_small and len(data) >= LARGE):
            deflate = self._deflate = self._new_deflate(len(data))
            self._is_for_small = self.kind.module_for(len(data)) is not self.kind.module_for(LARGE)
        payload = deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
        if ends_message:
            # 7.2.3.6: with nothing to flush, an empty block stands for an empty message.
            payload = payload.removesuffix(TAIL) or b"\x00"
            if self.local_no_takeover:
                self._deflate = None
        return payload

    def encode_alone(self, data: ReadableBuffer) -> bytes:
        """Compress a whole message by itself: every peer with this window can inflate it."""
        deflate = self._new_deflate(len(data))
        return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)

    def sent_alone(self) -> None:
        """Begin anew: the peer's window has moved on, and ours would refer to what isn't there."""
        self._deflate = None

    def _new_deflate(self, size: int) -> zlib._Compress:
        bits, level, memory_level, *_ = self.kind
        # zlib can't deflate with a window of 256 bytes; run lengths only ever look one byte back.
        strategy = zlib.Z_RLE if bits == 8 else zlib.Z_DEFAULT_STRATEGY
        deflate: zlib._Compress = self.kind.module_for(size).compressobj(
            level, zlib.DEFLATED, -max(bits, 9), memory_level, strategy
        )
        return deflate

    # Receiving

    def decode(self, data: bytes, *, ends_message: bool, size: int | None) -> bytes:
        """Inflate the next part of a message (7.2.2), and give ``size`` bytes of it at most."""
        self._is_idle = False
        if self.is_behind:
            data = self._rest
        elif ends_message and (data or self._is_inflating):
            # 7.2.3.6: an empty message has a byte. One without would begin a block that never ends.
            data += TAIL
        try:
            output = self._inflate_some(data, ends_message, size)
        except (self.kind.module_for(0).error, self.kind.module_for(LARGE).error) as error:
            raise RemoteProtocolError("compressed data is corrupt", CloseCode.INVALID_DATA) from error
        self._is_inflating = self.is_behind or (not ends_message and (bool(data) or self._is_inflating))
        if not self._is_inflating:
            self._final_blocks = 0
            if self.remote_no_takeover:
                self._inflate = None
                self._window.clear()
        return output

    def _inflate_some(self, data: bytes, ends_message: bool, size: int | None) -> bytes:
        output = b""
        while data or self.is_behind:
            self.is_behind = False
            if self._inflate is None:
                if ends_message and data == TAIL:
                    # 7.2.1 wants an empty block after a final one; without it the tail spoils what follows.
                    break
                self._inflate = self._new_inflate(len(data))
            inflate = self._inflate
            # zlib's 0 means "unlimited"; what is left of ``size`` is never 0 here.
            part = inflate.decompress(data, 0 if size is None else size - len(output))
            output += part
            self._remember(part)
            data = inflate.unconsumed_tail
            if inflate.eof:
                data = inflate.unused_data
                self._end_block()
            if len(output) == size:
                # Even with all of the data taken, zlib may have more to give.
                self._rest = data
                self.is_behind = bool(data) or not inflate.eof
                break
        return output

    def _remember(self, part: bytes) -> None:
        """Keep the window: the last bytes of what was inflated."""
        size = 1 << self._inflate_bits
        self._window += part[-size:]
        if len(self._window) > 2 * size:
            del self._window[:-size]

    def _new_inflate(self, size: int) -> zlib._Decompress:
        # After a final block, or a release, the new context goes on with the window of the one before.
        window = bytes(self._window[-(1 << self._inflate_bits) :])
        module = self.kind.module_for(size * LIKELY_RATIO)
        inflate: zlib._Decompress = module.decompressobj(-self._inflate_bits, zdict=window)
        return inflate

    @property
    def _inflate_bits(self) -> int:
        # A peer that deflates by zlib may agree to 8 bits, and takes 9.
        return max(self.remote_bits, 9)

    def _end_block(self) -> None:
        self._inflate = None
        self._final_blocks += 1
        if self._final_blocks > MAX_FINAL_BLOCKS:
            raise RemoteProtocolError(f"message has more than {MAX_FINAL_BLOCKS} final blocks")

    def release_if_idle(self) -> None:
        """Give back both contexts if neither was used since the last call, but keep the peer's window."""
        if self._is_idle and not self._is_inflating:
            self._deflate = self._inflate = None
            del self._window[: -(1 << self._inflate_bits)]
        self._is_idle = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PerMessageDeflateFactory:
    """How permessage-deflate is offered and accepted.

    Attributes:
        server_no_context_takeover: the server compresses each message by itself.
        client_no_context_takeover: the client compresses each message by itself.
        server_max_window_bits: 8 to 15, the base-2 logarithm of the server's window in bytes.
        client_max_window_bits: 8 to 15, likewise the client's.
        level: zlib's compression level, -1 to 9.
        memory_level: zlib's memory level, 1 to 9.
        threshold: bytes from which on a message is compressed; one that is sent in fragments
            always is. ``send`` can be told otherwise for each message.
        zlib: the module that does the work, with the names of the standard library's ``zlib``.
            None takes the standard library's, and on a connection with large messages zlib-ng where it
            is installed, as by ``fullduplex[speed]``.

    The defaults cost about 50 KiB a connection that compresses both ways, and 200
    where zlib-ng does; zlib's own defaults would cost 300.  All but a window is given
    back after a keepalive interval without a message; without keepalive it never is.

    Raises:
        ValueError: for a number out of its range.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 12
    client_max_window_bits: int = 12
    level: int = -1
    memory_level: int = 5
    threshold: int = 32
    zlib: Zlib | None = None
    name = NAME

    def __post_init__(self) -> None:
        for field in ("server_max_window_bits", "client_max_window_bits"):
            if not 8 <= getattr(self, field) <= 15:
                raise ValueError(f"{field} must be from 8 to 15")
        if not -1 <= self.level <= 9:
            raise ValueError("level must be from -1 to 9")
        if not 1 <= self.memory_level <= 9:
            raise ValueError("memory_level must be from 1 to 9")
        if self.threshold < 0:
            raise ValueError("threshold must not be negative")

    def offers(self) -> list[Parameters]:
        """Return what a client offers, the best first (7.1).

        The second is for servers that accept nothing smaller than their own window (5.1).
        """
        flags: Parameters = []
        if self.server_no_context_takeover:
            flags.append(("server_no_context_takeover", None))
        if self.client_no_context_takeover:
            flags.append(("client_no_context_takeover", None))
        any_window: Parameters = [*flags, ("client_max_window_bits", None)]
        if self.server_max_window_bits == self.client_max_window_bits == 15:
            return [any_window]
        small: Parameters = list(flags)
        if self.server_max_window_bits < 15:
            small.append(("server_max_window_bits", str(self.server_max_window_bits)))
        bits = None if self.client_max_window_bits == 15 else str(self.client_max_window_bits)
        small.append(("client_max_window_bits", bits))
        return [small, any_window]

    def accept_response(self, parameters: Parameters) -> PerMessageDeflate:
        """Make a client's extension of the server's answer (7.1.1, 7.1.2)."""
        given = _read(parameters, bits_required=True)
        if self.server_no_context_takeover and not given.server_no_takeover:
            raise NegotiationError("server_no_context_takeover is missing")
        # 7.1.2.2: the answer is the most that we may use; less is ours to choose.
        return PerMessageDeflate(
            local_bits=min(given.client_bits or 15, self.client_max_window_bits),
            remote_bits=given.server_bits or 15,
            local_no_takeover=given.client_no_takeover or self.client_no_context_takeover,
            remote_no_takeover=given.server_no_takeover,
            level=self.level,
            memory_level=self.memory_level,
            threshold=self.threshold,
            module=self.zlib,
        )

    def accept_offer(self, parameters: Parameters) -> tuple[Parameters, PerMessageDeflate]:
        """Answer a client's offer (7.1.1, 7.1.2)."""
        given = _read(parameters, bits_required=False)
        answer: Parameters = []
        server_no_takeover = given.server_no_takeover or self.server_no_context_takeover
        if server_no_takeover:
            answer.append(("server_no_context_takeover", None))
        client_no_takeover = given.client_no_takeover or self.client_no_context_takeover
        if client_no_takeover:
            answer.append(("client_no_context_takeover", None))
        server_bits = min(given.server_bits or 15, self.server_max_window_bits)
        # 7.1.2.1: an offer that has it is accepted by an answer that has it.
        if given.server_bits is not None or server_bits < 15:
            answer.append(("server_max_window_bits", str(server_bits)))
        client_bits = 15
        if given.client_bits is not None:
            # 7.1.2.2: only a client that offered it may be told to use a smaller window.
            client_bits = min(given.client_bits, self.client_max_window_bits)
            if client_bits < 15:
                answer.append(("client_max_window_bits", str(client_bits)))
        extension = PerMessageDeflate(
            local_bits=server_bits,
            remote_bits=client_bits,
            local_no_takeover=server_no_takeover,
            remote_no_takeover=client_no_takeover,
            level=self.level,
            memory_level=self.memory_level,
            threshold=self.threshold,
            module=self.zlib,
        )
        return answer, extension


@dataclass(slots=True)
class _Given:
    """The parameters of one offer or answer, checked."""

    server_no_takeover: bool = False
    client_no_takeover: bool = False
    server_bits: int | None = None
    client_bits: int | None = None


def _read(parameters: Parameters, *, bits_required: bool) -> _Given:
    """Check each parameter by itself (7.1).

    ``bits_required``: client_max_window_bits may stand without a value in an offer only.
    """
    given = _Given()
    seen: set[str] = set()
    for name, value in parameters:
        if name in seen:
            raise DuplicateParameter(name)
        seen.add(name)
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                raise InvalidParameterValue(name, value)
            if name.startswith("server"):
                given.server_no_takeover = True
            else:
                given.client_no_takeover = True
        elif name == "server_max_window_bits":
            given.server_bits = _window_bits(name, value)
        elif name == "client_max_window_bits":
            given.client_bits = 15 if value is None and not bits_required else _window_bits(name, value)
        else:
            raise InvalidParameterName(name)
    return given


def _window_bits(name: str, value: str | None) -> int:
    # 7.1.2.1: a decimal number without leading zeros.
    if value not in ("8", "9", "10", "11", "12", "13", "14", "15"):
        raise InvalidParameterValue(name, value)
    return int(value)
