"""Protocols that are listened to: they count and log, and otherwise are as any other."""

from __future__ import annotations

import gc
import logging
import re
import weakref
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fullduplex.observe.frame_log import FrameLog
from fullduplex.observe.taps import Counting, extend, tap
from fullduplex.protocol.client import ClientConnection
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.http11 import Request
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.prepared import Prepared
from fullduplex.protocol.server import ServerConnection, plain_response
from fullduplex.protocol.uri import parse_uri

from ..protocol.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    RSV1,
    TEXT,
    cut,
    frame,
    frames,
    upgrade_request,
)

DEFLATE = (PerMessageDeflateFactory(threshold=0),)
OFFER = ("Sec-WebSocket-Extensions", "permessage-deflate")
COMPRESSED = bytes.fromhex("f248cdc9c90700")
#: A handshake, and one frame of every kind that there is.
STREAM = b"".join(
    [
        upgrade_request(OFFER),
        frame(TEXT, b"Hello", key=KEY),
        frame(BINARY, b"a", fin=False, key=KEY),
        frame(PING, b"?", key=KEY),
        frame(CONTINUATION, b"b" * 300, key=KEY),
        frame(TEXT, COMPRESSED, rsv=RSV1, key=KEY),
        frame(TEXT, b"", key=KEY),
    ]
)
ENDS = [frame(CLOSE, b"\x0f\xa0bye", key=KEY), frame(TEXT, b"\xff", key=KEY), b"\xff\xff"]


class Lines(logging.Logger):
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        super().__init__("lines", logging.DEBUG)
        self.lines: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())


def tapped(codec: Any, *, counts: bool = True, logs: bool = True) -> tuple[Any, list[str]]:
    """Return a protocol that is listened to, and the lines of its log."""
    logger = Lines()
    tap(codec, counts=counts, log=FrameLog(logger, "x") if logs else None)
    return codec, logger.lines


def converse(codec: ServerConnection, pieces: list[bytes]) -> tuple[list[Any], bytes]:
    """Give a server bytes; return its events, and what it writes but for the date."""
    events: list[Any] = []
    for piece in pieces:
        codec.receive_data(piece)
        for event in codec.events_received():
            events.append(event)
            if isinstance(event, Request):
                codec.send_response(codec.accept(event))
                codec.receive_data(b"")
                events += codec.events_received()
    return events, re.sub(rb"Date: [^\r]+", b"", b"".join(codec.data_to_send()))


@given(
    places=st.lists(st.integers(0, len(STREAM) + 20), max_size=12),
    end=st.sampled_from(ENDS),
    counts=st.booleans(),
    logs=st.booleans(),
)
def test_tapped_server_behaves_alike(places: list[int], end: bytes, counts: bool, logs: bool) -> None:
    """However its input is cut, it makes the same events and the same bytes of it as one without taps."""
    pieces = cut(STREAM + end, places)
    codec, _ = tapped(ServerConnection(extensions=DEFLATE), counts=counts, logs=logs)

    assert converse(codec, pieces) == converse(ServerConnection(extensions=DEFLATE), pieces)


def opened(*offers: tuple[str, str], **options: Any) -> tuple[Any, list[str]]:
    """Return a server that is open and listened to, and its lines from then on."""
    codec, lines = tapped(ServerConnection(**options))
    codec.receive_data(upgrade_request(*offers))
    [request] = codec.events_received()
    codec.send_response(codec.accept(request))
    codec.data_to_send()
    lines.clear()
    return codec, lines


def test_messages_sent_are_counted() -> None:
    """Whole, prepared and fragmented messages are noted with both sizes, control frames aren't."""
    codec, _ = opened()
    codec.send_message(Opcode.TEXT, b"Hello")
    codec.send_ping(b"ping")
    codec.send_message(Opcode.BINARY, b"a", fin=False)
    codec.send_pong(b"pong")
    codec.send_continuation(b"bc", fin=True)
    for size in (0, 125, 126, 65_535, 65_536):
        codec.send_prepared(Prepared(Opcode.BINARY, bytes(size)))

    assert codec.tap.sent == [
        ("text", 5, 5),
        ("binary", 3, 3),
        *(("binary", size, size) for size in (0, 125, 126, 65_535, 65_536)),
    ]


def test_compressed_messages_are_counted() -> None:
    """What compression saves shows in the size on the wire, however the message is sent."""
    codec, _ = opened(OFFER, extensions=DEFLATE)
    codec.send_message(Opcode.TEXT, b"x" * 1000)
    codec.send_prepared(Prepared(Opcode.TEXT, b"x" * 1000))
    codec.send_message(Opcode.BINARY, b"x" * 1000, fin=False)
    codec.send_continuation(b"x" * 1000, fin=True)
    sizes = [len(one.payload) for one in frames(b"".join(codec.data_to_send()), masked=False)]

    assert max(sizes) < 100
    assert codec.tap.sent == [
        ("text", 1000, sizes[0]),
        ("text", 1000, sizes[1]),
        ("binary", 2000, sizes[2] + sizes[3]),
    ]


def test_received_bytes_are_counted() -> None:
    """The size on the wire is that of the message's payloads, without what comes in between."""
    codec, _ = opened(OFFER, extensions=DEFLATE)
    codec.receive_data(frame(TEXT, COMPRESSED[:3], fin=False, rsv=RSV1, key=KEY) + frame(PING, b"?", key=KEY))
    codec.receive_data(frame(CONTINUATION, COMPRESSED[3:], key=KEY))

    assert codec.take_received() == 7
    assert codec.take_received() == 0


def test_client_counts_prepared_once() -> None:
    """A client, which sends a message to many as any other, counts it once."""
    client = ClientConnection(parse_uri("ws://localhost/"))
    client.open(None)
    codec, lines = tapped(client)
    codec.send_prepared(Prepared(Opcode.TEXT, b"Hello"))

    assert codec.tap.sent == [("text", 5, 5)]
    assert lines == ["x > TEXT 'Hello' [5 bytes]"]


def test_server_logs_everything() -> None:
    """A server's log has its handshake, every frame, and the rule that was broken."""
    codec, lines = tapped(ServerConnection(extensions=DEFLATE))
    converse(codec, [STREAM + ENDS[1]])
    shown = [line for line in lines if ":" not in line]

    assert shown[:1] == ["x < GET /chat HTTP/1.1"]
    assert shown[1:] == [
        "x > HTTP/1.1 101 Switching Protocols",
        "x < TEXT 'Hello' [5 bytes]",
        "x < BINARY 61 [1 byte, continued]",
        "x < PING '?' [1 byte]",
        "x > PONG '?' [1 byte]",
        f"x < CONTINUATION {'62 ' * 24}… [300 bytes]",
        "x < TEXT 'Hello' [5 bytes, 7 compressed]",
        "x < TEXT [0 bytes]",
        "x < TEXT '�' [1 byte]",
    ]
    assert "x < Host: server.example.com" in lines
    assert lines[-2:] == [
        'x < breaks a rule: 1007 "text isn\'t UTF-8: invalid start byte (8.1)"',
        'x > CLOSE 1007 "text isn\'t UTF-8: invalid start byte (8.1)" [44 bytes]',
    ]


def test_compressed_output_is_logged() -> None:
    """What goes out compressed is shown as it was before, whichever way it is sent."""
    codec, lines = opened(OFFER, extensions=DEFLATE)
    codec.send_message(Opcode.TEXT, b"Hello", fin=False)
    codec.send_continuation(b"you", fin=True)
    codec.send_prepared(Prepared(Opcode.BINARY, b"Hello"))
    codec.send_message(Opcode.TEXT, b"Hello", compress=False)

    assert [re.sub(r"\d+ compressed", "n compressed", line) for line in lines] == [
        "x > TEXT 'Hello' [5 bytes, n compressed, continued]",
        "x > CONTINUATION 'you' [3 bytes, n compressed]",
        "x > BINARY 48 65 6c 6c 6f [5 bytes, n compressed]",
        "x > TEXT 'Hello' [5 bytes]",
    ]


def test_streamed_pieces_are_logged() -> None:
    """Of a compressed message that is received in pieces, what came of each frame is shown."""
    codec, lines = opened(OFFER, extensions=DEFLATE)
    codec.start_streaming()
    codec.receive_data(frame(TEXT, COMPRESSED, rsv=RSV1, key=KEY))

    assert lines == ["x < TEXT 'Hello' [5 bytes, 7 compressed]"]


def test_unfinished_messages_are_logged() -> None:
    """A compressed frame of which nothing can be shown yet is in the log as soon as it was read."""
    codec, lines = opened(OFFER, extensions=DEFLATE)
    codec.receive_data(frame(TEXT, COMPRESSED[:3], fin=False, rsv=RSV1, key=KEY))

    assert lines == ["x < TEXT [3 compressed, continued]"]


def test_refusals_are_logged() -> None:
    """A malformed request has only its answer in the log, and a client's has that and what it means."""
    server, lines = tapped(ServerConnection())
    server.receive_data(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
    client, answers = tapped(ClientConnection(parse_uri("ws://localhost/")))
    client.send_request(client.connect())
    client.receive_data(plain_response(403, "No.").serialize())

    garbled, faults = tapped(ClientConnection(parse_uri("ws://localhost/")))
    garbled.send_request(garbled.connect())
    garbled.receive_data(b"SSH-2.0-secret\r\n\r\n")

    assert faults == ["x < opening handshake failed: InvalidMessage"]
    assert lines[0] == "x > HTTP/1.1 400 Bad Request"
    assert answers[0] == "x < HTTP/1.1 403 Forbidden"
    assert answers[-2:] == ["x < [body of 3 bytes]", "x < opening handshake failed: InvalidStatus"]


def test_limits_stay() -> None:
    """A tapped protocol keeps its limits of frames and messages."""
    codec, _ = opened(limits=Limits(frame=10, message=20))
    codec.receive_data(frame(TEXT, b"x" * 11, key=KEY))

    assert b"frame with 11 bytes exceeds the limit of 10 bytes" in b"".join(codec.data_to_send())


def test_nothing_refers_back() -> None:
    """A tapped protocol goes when nobody has it any more, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        codec, _ = opened()
        converse(codec, [frame(TEXT, b"Hello", key=KEY)])
        gone = weakref.ref(codec)
        del codec
        assert gone() is None
    finally:
        gc.enable()


def test_class_is_extended_once() -> None:
    """The extended class is made once for all objects of a class, and has the same name."""
    codecs = [ServerConnection(), ServerConnection()]
    for codec in codecs:
        tap(codec, counts=True, log=None)
        extend(codec, Counting)

    assert type(codecs[0]) is type(codecs[1])
    assert isinstance(codecs[0], Counting)
    assert type(codecs[0]).__qualname__ == "ServerConnection"
    assert type(ServerConnection()) is ServerConnection
