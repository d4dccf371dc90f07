"""The bytes of frames and heads, written and read without the code under test."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fullduplex.close import Close
from fullduplex.protocol.connection import Connection
from fullduplex.protocol.events import Event
from fullduplex.protocol.extensions.base import Extension
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflate
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.states import Side

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
KEY = bytes.fromhex("37fa213d")

#: The key of RFC 6455 1.3 and what it is answered with.
HANDSHAKE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Frame(NamedTuple):
    """A frame as it was found on the wire, its payload unmasked."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0


def xor(payload: bytes, key: bytes) -> bytes:
    """Mask a payload byte by byte, as 5.3 puts it."""
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = None,
    length: int | None = None,
    size: int | None = None,
) -> bytes:
    """Return a frame; ``length`` is what its head claims, in a field of ``size`` bytes after the second."""
    length = len(payload) if length is None else length
    if size is None:
        size = 0 if length < 126 else 2 if length < 65_536 else 8
    short = {0: length, 2: 126, 8: 127}[size]
    head = bytes([fin << 7 | rsv | opcode, (key is not None) << 7 | short])
    if size:
        head += length.to_bytes(size, "big")
    return head + payload if key is None else head + key + xor(payload, key)


def frames(data: bytes, *, masked: bool) -> list[Frame]:
    """Take bytes apart that must be whole frames, all masked or none."""
    found: list[Frame] = []
    while data:
        first, second = data[0], data[1]
        assert bool(second & 0x80) is masked
        size = {126: 2, 127: 8}.get(second & 0x7F, 0)
        length = int.from_bytes(data[2 : 2 + size], "big") if size else second & 0x7F
        at = 2 + size
        key = data[at : at + 4] if masked else bytes(4)
        at += 4 if masked else 0
        payload = data[at : at + length]
        assert len(payload) == length
        found.append(Frame(first & 0x0F, xor(payload, key), bool(first & 0x80), first & 0x70))
        data = data[at + length :]
    return found


class End:
    """One of our ends, open, together with the frames of its peer."""

    def __init__(
        self,
        side: Side,
        *,
        limits: Limits | None = None,
        extension: Extension | None = None,
    ) -> None:
        self.side = side
        self.key = KEY if side is Side.SERVER else None
        self.connection = Connection(side, limits or Limits())
        self.connection.open(extension)

    # What the peer says

    def frame(self, opcode: int, payload: bytes = b"", **options: object) -> bytes:
        """Return a frame of the peer, which masks if it must."""
        return frame(opcode, payload, **{"key": self.key, **options})  # type: ignore[arg-type]

    def text(self, text: str) -> bytes:
        """Return a text message."""
        return self.frame(TEXT, text.encode())

    def binary(self, data: bytes) -> bytes:
        """Return a binary message."""
        return self.frame(BINARY, data)

    def text_fragment(self, text: str | bytes) -> bytes:
        """Return the first fragment of a text message."""
        return self.frame(TEXT, text.encode() if isinstance(text, str) else text, fin=False)

    def binary_fragment(self, data: bytes) -> bytes:
        """Return the first fragment of a binary message."""
        return self.frame(BINARY, data, fin=False)

    def fragment(self, data: bytes) -> bytes:
        """Return a fragment in the middle of a message."""
        return self.frame(CONTINUATION, data, fin=False)

    def last_fragment(self, data: str | bytes) -> bytes:
        """Return the fragment that ends a message."""
        return self.frame(CONTINUATION, data.encode() if isinstance(data, str) else data)

    def ping(self, data: bytes = b"") -> bytes:
        """Return a ping."""
        return self.frame(PING, data)

    def pong(self, data: bytes = b"") -> bytes:
        """Return a pong."""
        return self.frame(PONG, data)

    def close(self, code: int | None = 1000, reason: bytes = b"") -> bytes:
        """Return a Close frame, empty if ``code`` is None."""
        return self.frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)

    # What we make of it

    def receive(self, *data: bytes) -> list[Event]:
        """Take bytes of the peer, each argument in a read of its own; return the events."""
        for piece in data:
            self.connection.receive_data(piece)
        return self.connection.events_received()

    def sent(self) -> list[Frame]:
        """Return the frames that are to be written."""
        output = b"".join(self.connection.data_to_send())
        return frames(output, masked=self.side is Side.CLIENT)

    def close_sent(self) -> Close:
        """Return what the only Close frame to be written says."""
        [close] = [frame.payload for frame in self.sent() if frame.opcode == CLOSE]
        return Close.parse(close)


def deflated(side: Side, **changes: object) -> PerMessageDeflate:
    """Return permessage-deflate for one end, with full windows and context takeover unless changed."""
    settings: dict[str, object] = {
        "local_bits": 15,
        "remote_bits": 15,
        "local_no_takeover": False,
        "remote_no_takeover": False,
        "level": -1,
        "memory_level": 8,
        "threshold": 0,
    }
    return PerMessageDeflate(**{**settings, **changes})  # type: ignore[arg-type]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut bytes at the given places; those beyond the end cut nothing."""
    edges = [0, *sorted({place for place in places if 0 < place < len(data)}), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


def head(first_line: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    """Return an HTTP message."""
    lines = [first_line, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


#: What a browser's request has, in its order.
REQUEST_HEADERS = (
    ("Host", "server.example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", HANDSHAKE_KEY),
    ("Sec-WebSocket-Version", "13"),
)


def replaced(headers: Sequence[tuple[str, str]], name: str, *values: str) -> list[tuple[str, str]]:
    """Return headers with the lines of one name replaced by any number of others."""
    others = [header for header in headers if header[0].lower() != name.lower()]
    return [*others, *((name, value) for value in values)]


def upgrade_request(*more: tuple[str, str], line: str = "GET /chat HTTP/1.1") -> bytes:
    """Return a request that a server accepts, with more headers."""
    return head(line, [*REQUEST_HEADERS, *more])
