"""permessage-deflate: messages compressed with DEFLATE (RFC 7692).

The numbers here are those of RFC 7692.  This module knows its parameters and
zlib; it doesn't know frames or handshakes.

Invariants:

1. zlib contexts are made when first used; without context takeover none
   outlives a message.
2. Inflating never gives more than the limit and one byte.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from ...close import CloseCode
from ...exceptions import (
    DuplicateParameter,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
    RemoteProtocolError,
)
from .base import Parameters

__all__ = ["PerMessageDeflate", "PerMessageDeflateFactory"]

NAME = "permessage-deflate"
#: 7.2.1: what a sync flush ends with, and what isn't sent.
TAIL = b"\x00\x00\xff\xff"
#: 7.2.3.4 allows final blocks inside a message; each costs a new context.
MAX_FINAL_BLOCKS = 256


class PerMessageDeflate:
    """The compression of one connection."""

    __slots__ = (
        "_deflate",
        "_final_blocks",
        "_inflate",
        "_settings",
        "_window",
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
    ) -> None:
        self.local_bits = local_bits
        self.remote_bits = remote_bits
        self.local_no_takeover = local_no_takeover
        self.remote_no_takeover = remote_no_takeover
        self._settings = (level, memory_level)
        self._deflate: zlib._Compress | None = None
        self._inflate: zlib._Decompress | None = None
        self._window = b""
        self._final_blocks = 0

    def encode(self, data: bytes, *, ends_message: bool) -> bytes:
        """Compress the next part of a message (7.2.1)."""
        deflate = self._deflate
        if deflate is None:
            level, memory_level = self._settings
            deflate = self._deflate = zlib.compressobj(level, zlib.DEFLATED, -self.local_bits, memory_level)
        payload = deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
        if ends_message:
            # 7.2.3.6: with nothing to flush, an empty block stands for an empty message.
            payload = payload.removesuffix(TAIL) or b"\x00"
            if self.local_no_takeover:
                self._deflate = None
        return payload

    def decode(self, data: bytes, *, ends_message: bool, limit: int | None) -> bytes:
        """Inflate the next part of a message (7.2.2)."""
        try:
            output = self._inflate_some(data, ends_message, limit)
        except zlib.error as error:
            raise RemoteProtocolError("compressed data is corrupt", CloseCode.INVALID_DATA) from error
        if ends_message:
            self._final_blocks = 0
            if self.remote_no_takeover:
                self._inflate = None
                self._window = b""
        return output

    def _inflate_some(self, data: bytes, ends_message: bool, limit: int | None) -> bytes:
        output = b""
        if ends_message:
            data += TAIL
        while data:
            if self._inflate is None:
                # A context after a final block goes on with the window of the one before.
                self._inflate = zlib.decompressobj(-self.remote_bits, zdict=self._window)
            # zlib's 0 would mean "unlimited", so the argument is never below 1.
            most = 0 if limit is None else limit + 1 - len(output)
            part = self._inflate.decompress(data, most)
            output += part
            self._window = (self._window + part)[-(1 << self.remote_bits) :]
            if limit is not None and len(output) > limit:
                break
            if not self._inflate.eof:
                break
            self._final_blocks += 1
            if self._final_blocks > MAX_FINAL_BLOCKS:
                raise RemoteProtocolError(f"message has more than {MAX_FINAL_BLOCKS} final blocks")
            data = self._inflate.unused_data
            self._inflate = None
            if ends_message and data == TAIL:
                # 7.2.1 wants an empty block after a final one; without it the tail spoils the next message.
                break
        return output


@dataclass(frozen=True, slots=True, kw_only=True)
class PerMessageDeflateFactory:
    """How permessage-deflate is offered and accepted.

    Attributes:
        server_no_context_takeover: the server compresses each message by itself.
        client_no_context_takeover: the client compresses each message by itself.
        server_max_window_bits: 9 to 15, the base-2 logarithm of the server's window in bytes.
        client_max_window_bits: 9 to 15, likewise the client's.
        level: zlib's compression level, -1 to 9.
        memory_level: zlib's memory level, 1 to 9.

    The defaults cost about 50 KiB a connection that compresses both ways;
    zlib's own defaults would cost 300.

    Raises:
        ValueError: for a number out of its range.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 12
    client_max_window_bits: int = 12
    level: int = -1
    memory_level: int = 5
    name = NAME

    def __post_init__(self) -> None:
        for field in ("server_max_window_bits", "client_max_window_bits"):
            # zlib can't deflate with a window of 256 bytes.
            if not 9 <= getattr(self, field) <= 15:
                raise ValueError(f"{field} must be from 9 to 15")
        if not -1 <= self.level <= 9:
            raise ValueError("level must be from -1 to 9")
        if not 1 <= self.memory_level <= 9:
            raise ValueError("memory_level must be from 1 to 9")

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
        client_bits = min(given.client_bits or 15, self.client_max_window_bits)
        if client_bits == 8:
            raise NegotiationError("client_max_window_bits=8 isn't supported by zlib")
        return PerMessageDeflate(
            local_bits=client_bits,
            # zlib inflates a window of 8 bits with one of 9.
            remote_bits=max(given.server_bits or 15, 9),
            local_no_takeover=given.client_no_takeover or self.client_no_context_takeover,
            remote_no_takeover=given.server_no_takeover,
            level=self.level,
            memory_level=self.memory_level,
        )

    def accept_offer(self, parameters: Parameters) -> tuple[Parameters, PerMessageDeflate]:
        """Answer a client's offer (7.1.1, 7.1.2)."""
        given = _read(parameters, bits_required=False)
        if given.server_bits == 8:
            raise NegotiationError("server_max_window_bits=8 isn't supported by zlib")
        answer: Parameters = []
        server_no_takeover = given.server_no_takeover or self.server_no_context_takeover
        if server_no_takeover:
            answer.append(("server_no_context_takeover", None))
        client_no_takeover = given.client_no_takeover or self.client_no_context_takeover
        if client_no_takeover:
            answer.append(("client_no_context_takeover", None))
        server_bits = min(given.server_bits or 15, self.server_max_window_bits)
        if server_bits < 15:
            answer.append(("server_max_window_bits", str(server_bits)))
        client_bits = 15
        if given.client_bits is not None:
            # 7.1.2.2: only a client that offered it may be told to use a smaller window.
            client_bits = min(given.client_bits, self.client_max_window_bits)
            if client_bits < 15:
                answer.append(("client_max_window_bits", str(client_bits)))
        extension = PerMessageDeflate(
            local_bits=server_bits,
            remote_bits=max(client_bits, 9),
            local_no_takeover=server_no_takeover,
            remote_no_takeover=client_no_takeover,
            level=self.level,
            memory_level=self.memory_level,
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
