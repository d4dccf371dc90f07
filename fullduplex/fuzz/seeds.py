"""What the fuzzer begins with: good inputs for each target, and words that bytes alone seldom make."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator

from targets import ACCEPT

from fullduplex.protocol.frames import Opcode, serialize_frame
from fullduplex.protocol.states import Side

REQUEST = [
    "GET /chat HTTP/1.1",
    "Host: a.example",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
]
RESPONSE = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    f"Sec-WebSocket-Accept: {ACCEPT}",
]
MORE_OF_REQUEST = [
    "Origin: https://a.example",
    "Origin: https://chat.b.example",
    "Cookie: session=1",
    "Sec-WebSocket-Protocol: chat, superchat",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    'Sec-WebSocket-Extensions: x-unknown; a="b", permessage-deflate; server_max_window_bits=10',
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
]
MORE_OF_RESPONSE = [
    "Sec-WebSocket-Protocol: superchat",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9; client_no_context_takeover",
]
REFUSALS = [
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
    b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: ws://b.example/\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
]
VALUES = [
    b'permessage-deflate; client_max_window_bits; server_max_window_bits="10", x-other',
    b"keep-alive, Upgrade,, ,\tx",
    b"Basic dXNlcjpwYXNzd29yZA==",
    b"socks5h://user:pass%20word@proxy.example:1080",
    b"http://u@[::1]:3128/",
    b"wss://user:pass%20word@[2001:db8::1]:8443/a%20b?c=d",
    "ws://bücher.example/路径?问=答".encode(),
]
ANSWERS_OF_PROXIES = [
    (0, b"HTTP/1.1 200 Connection established\r\n\r\n"),
    (0, b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n"),
    (
        4,
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n",
    ),
    (1, b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"),
    (5, b"\x05\x02\x01\x00\x05\x00\x00\x03\x04name\x04\x38"),
    (7, b"\x05\x02\x01\x00\x05\x04\x00\x04" + bytes(18)),
    (2, b"\x00\x5a" + bytes(6)),
    (6, b"\x00\x5b" + bytes(6)),
]
#: Words for libFuzzer's dictionary.
WORDS = sorted(
    {word for line in [*REQUEST, *RESPONSE, *MORE_OF_REQUEST, *MORE_OF_RESPONSE] for word in line.split(": ")}
    | {"\r\n", "\r\n\r\n", "HTTP/1.0", "OPTIONS", "http://a.example/", "; ", ", ", '="', "chunked", "Basic "}
    | {"client_no_context_takeover", "server_no_context_takeover", "server_max_window_bits", "wss://", "%2e"}
)


def frame(side: Side, opcode: Opcode, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a frame of the peer of ``side``."""
    return serialize_frame(opcode, payload, fin=fin, rsv=rsv, masked=side is Side.SERVER)


def conversation(side: Side, *, compressed: bool) -> Iterator[bytes]:
    """Give what a peer may say, in parts that can be left out."""
    rsv = 0x40 if compressed else 0
    deflate = zlib.compressobj(9, zlib.DEFLATED, -9)

    def body(text: str) -> bytes:
        data = text.encode()
        if not compressed:
            return data
        return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")

    yield frame(side, Opcode.TEXT, body("Hello, 你好"), rsv=rsv)
    yield frame(side, Opcode.BINARY, body("x" * 300), rsv=rsv)
    data = body("in three fragments, 一二三")
    yield frame(side, Opcode.TEXT, data[:5], fin=False, rsv=rsv)
    yield frame(side, Opcode.PING, b"ping")
    yield frame(side, Opcode.CONTINUATION, data[5:9], fin=False)
    yield frame(side, Opcode.CONTINUATION, data[9:])
    yield frame(side, Opcode.PONG)
    if compressed:
        last = zlib.compressobj(9, zlib.DEFLATED, -9)
        yield frame(side, Opcode.TEXT, last.compress(b"last block") + last.flush() + b"\0", rsv=rsv)
        yield frame(side, Opcode.BINARY, body("y" * 2000), rsv=rsv)
    yield frame(side, Opcode.CLOSE, b"\x03\xe8bye")


def frames() -> Iterator[bytes]:
    """Give conversations with every choice of side, compression, blocked output and streaming."""
    for flags in range(32):
        parts = list(conversation(Side(flags & 1), compressed=bool(flags & 2)))
        yield bytes([flags, flags]) + b"".join(parts)
        yield from (bytes([flags, 3]) + part for part in parts)


def conversations_with_server() -> Iterator[bytes]:
    """Give what clients say to a server, with every choice of who serves and how."""
    for flags in range(32):
        stream = b"".join(conversation(Side.SERVER, compressed=bool(flags & 2)))
        yield bytes([flags, 3 * flags]) + stream


def heads(lines: list[str], more: list[str], peer: Side) -> Iterator[bytes]:
    """Give heads with some more lines, and frames after them."""
    for count in range(3):
        for chosen in itertools.combinations(more, count):
            head = "\r\n".join([*lines, *chosen, "", ""]).encode()
            yield head + b"".join(conversation(peer, compressed=False))
            yield head


def seeds(target: str) -> Iterator[bytes]:
    """Give the inputs that a target begins with."""
    if target == "frames":
        yield from frames()
    elif target == "engine":
        yield from conversations_with_server()
    elif target == "request":
        yield from (
            bytes([at % 16, at]) + each
            for at, each in enumerate(heads(REQUEST, MORE_OF_REQUEST, Side.SERVER))
        )
    elif target == "response":
        every = [*heads(RESPONSE, MORE_OF_RESPONSE, Side.CLIENT), *REFUSALS]
        yield from (bytes([flags, at]) + each for at, each in enumerate(every) for flags in (6, 14))
    elif target == "proxy":
        yield from (bytes([flags, 3]) + answer for flags, answer in ANSWERS_OF_PROXIES)
    else:
        yield from VALUES
