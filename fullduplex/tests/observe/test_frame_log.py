"""The lines that a log gets, for every kind of frame."""

from __future__ import annotations

import logging

import pytest

from fullduplex.observe.frame_log import FrameLog
from fullduplex.protocol.frames import Opcode, Piece
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Request, Response

RSV1 = 0x40


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> FrameLog:
    """A log of a connection called x."""
    caplog.set_level(logging.DEBUG, "fullduplex.test")
    return FrameLog(logging.getLogger("fullduplex.test"), "x")


def read(
    log: FrameLog, opcode: Opcode, payload: bytes, *, fin: bool = True, rsv: int = 0, ends: bool = True
) -> None:
    """Have a piece of a frame read."""
    log.piece_read(Piece(opcode, rsv, fin, payload, ends))


@pytest.mark.parametrize(
    "opcode, payload, line",
    [
        (Opcode.TEXT, b"Hello", "x < TEXT 'Hello' [5 bytes]"),
        (Opcode.TEXT, "你好".encode(), "x < TEXT '你好' [6 bytes]"),
        (Opcode.TEXT, b"a\r\n\x1b[2J\0", r"x < TEXT 'a\r\n\x1b[2J\x00' [8 bytes]"),
        (Opcode.TEXT, "\u202e".encode(), r"x < TEXT '\u202e' [3 bytes]"),
        (Opcode.TEXT, b"", "x < TEXT [0 bytes]"),
        (Opcode.TEXT, b"a" * 65, f"x < TEXT '{'a' * 64}' … [65 bytes]"),
        (Opcode.TEXT, "é".encode() * 40 + b"a", f"x < TEXT '{'é' * 32}' … [81 bytes]"),
        (Opcode.TEXT, b"a" + "é".encode() * 40, f"x < TEXT 'a{'é' * 31}' … [81 bytes]"),
        (Opcode.BINARY, b"\0\x10", "x < BINARY 00 10 [2 bytes]"),
        (Opcode.BINARY, bytes(25), f"x < BINARY {' '.join(['00'] * 24)} … [25 bytes]"),
        (Opcode.PING, b"a", "x < PING 'a' [1 byte]"),
        (Opcode.PONG, b"\0\xff", "x < PONG 00 ff [2 bytes]"),
        (Opcode.CLOSE, b"\x03\xe8", "x < CLOSE 1000 '' [2 bytes]"),
        (Opcode.CLOSE, b"\x0f\xa0bye\n", r"x < CLOSE 4000 'bye\n' [6 bytes]"),
        (Opcode.CLOSE, b"", "x < CLOSE 1005 '' [0 bytes]"),
        (Opcode.CLOSE, b"\x03", "x < CLOSE 03 [1 byte]"),
        (Opcode.CLOSE, b"\x03\xe8\xff", "x < CLOSE 03 e8 ff [3 bytes]"),
    ],
)
def test_frames_are_one_line(
    log: FrameLog, caplog: pytest.LogCaptureFixture, opcode: Opcode, payload: bytes, line: str
) -> None:
    """A frame is one line: opcode, the beginning of what is in it, escaped, and its length."""
    read(log, opcode, payload)

    assert caplog.messages == [line]


def test_frame_is_read_in_pieces(log: FrameLog, caplog: pytest.LogCaptureFixture) -> None:
    """A frame that arrives little by little is a line when it is whole, which shows no more than others."""
    for _ in range(9):
        read(log, Opcode.TEXT, b"a" * 10, ends=False)
        assert caplog.messages == []
    read(log, Opcode.TEXT, b"a")
    read(log, Opcode.TEXT, b"b")

    assert caplog.messages == [f"x < TEXT '{'a' * 64}' … [91 bytes]", "x < TEXT 'b' [1 byte]"]


def test_fragments_are_lines(log: FrameLog, caplog: pytest.LogCaptureFixture) -> None:
    """Each fragment is a line, shown as the message's first frame says, whatever comes in between."""
    read(log, Opcode.BINARY, b"a", fin=False)
    read(log, Opcode.PING, b"p")
    read(log, Opcode.CONTINUATION, b"b")
    log.frame_sent(Opcode.TEXT, b"c", fin=False, rsv=0)
    log.frame_sent(Opcode.CONTINUATION, b"d", fin=True, rsv=0)

    assert caplog.messages == [
        "x < BINARY 61 [1 byte, continued]",
        "x < PING 'p' [1 byte]",
        "x < CONTINUATION 62 [1 byte]",
        "x > TEXT 'c' [1 byte, continued]",
        "x > CONTINUATION 'd' [1 byte]",
    ]


def test_compressed_frames_show_message(log: FrameLog, caplog: pytest.LogCaptureFixture) -> None:
    """A compressed frame is shown with what came of it, or was before, and both lengths."""
    read(log, Opcode.TEXT, b"123", rsv=RSV1)
    assert caplog.messages == []
    log.decoded("Hello")
    log.plain = b"Hello"
    log.frame_sent(Opcode.BINARY, b"123", fin=True, rsv=RSV1)

    assert caplog.messages == [
        "x < TEXT 'Hello' [5 bytes, 3 compressed]",
        "x > BINARY 48 65 6c 6c 6f [5 bytes, 3 compressed]",
    ]


def test_undecoded_frames_show_length(log: FrameLog, caplog: pytest.LogCaptureFixture) -> None:
    """A compressed frame of which nothing came is a line before the next thing that happens."""
    read(log, Opcode.TEXT, b"123", rsv=RSV1, fin=False)
    read(log, Opcode.PING, b"")
    read(log, Opcode.CONTINUATION, b"45")
    log.decoded("Hello")
    log.decoded("again")

    assert caplog.messages == [
        "x < TEXT [3 compressed, continued]",
        "x < PING [0 bytes]",
        "x < CONTINUATION 'Hello' [5 bytes, 2 compressed]",
    ]


def test_handshake_hides_secrets(log: FrameLog, caplog: pytest.LogCaptureFixture) -> None:
    """Request and response are lines, a header each, without credentials and without the body."""
    headers = Headers([("Host", "localhost"), ("Cookie", "a=b"), ("Cookie", "c=d")])
    log.request_read(Request("/?ticket=abc", headers))
    log.response_sent(Response(403, "No\xa0", Headers({"Set-Cookie": "a=b", "X-Name": "é\x9b\t"}), b"secret"))

    assert caplog.messages == [
        "x < GET /?ticket=[hidden] HTTP/1.1",
        "x < Host: localhost",
        "x < Cookie: [hidden]",
        "x < Cookie: [hidden]",
        r"x > HTTP/1.1 403 No\xa0",
        "x > Set-Cookie: [hidden]",
        r"x > X-Name: \xe9\x9b\t",
        "x > [body of 6 bytes]",
    ]
