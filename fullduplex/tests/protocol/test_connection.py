"""An open connection, on both sides: what it makes of bytes, and what it writes."""

from __future__ import annotations

import collections
import contextlib
import itertools
import random
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fullduplex.close import Close, CloseCode
from fullduplex.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    LocalProtocolError,
    PayloadTooBig,
    RemoteProtocolError,
)
from fullduplex.protocol.connection import Connection, Ending
from fullduplex.protocol.events import Binary, Broken, Chunk, CloseReceived, Event, Ping, Pong, Text
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.messages import CHUNK_SIZE
from fullduplex.protocol.prepared import Prepared
from fullduplex.protocol.states import Side, State

from .wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    PONG,
    RSV1,
    TEXT,
    End,
    Frame,
    cut,
    deflated,
    frame,
    frames,
)

# What arrives.


def test_messages_become_events(end: End) -> None:
    """Text and binary messages come out in their order (5.6)."""
    assert end.receive(end.text("你好") + end.binary(b"\xff") + end.text("") + end.binary(b"")) == [
        Text("你好"),
        Binary(b"\xff"),
        Text(""),
        Binary(b""),
    ]
    assert end.sent() == []
    assert end.connection.events_received() == []


def test_fragments_become_one_message(end: End) -> None:
    """A fragmented message comes out whole (5.4)."""
    assert end.receive(end.text_fragment("Hel"), end.fragment(b""), end.last_fragment("lo")) == [
        Text("Hello")
    ]
    assert end.receive(end.binary_fragment(b"\xff"), end.last_fragment(b"\xfe")) == [Binary(b"\xff\xfe")]


def test_ping_between_fragments(end: End) -> None:
    """A ping between two fragments is answered first and doesn't break the message (5.4)."""
    assert end.receive(end.text_fragment("Hel") + end.ping(b"?")) == [Ping(b"?")]
    assert end.sent() == [Frame(PONG, b"?")]
    assert end.receive(end.pong(b"!") + end.last_fragment("lo")) == [Pong(b"!"), Text("Hello")]


def test_close_between_fragments(end: End) -> None:
    """A Close frame may come before a message is whole, and ends it (5.4)."""
    assert end.receive(end.text_fragment("Hel") + end.close(1001)) == [CloseReceived(Close(1001))]
    assert end.close_sent() == Close(1001)


@pytest.mark.parametrize("data", [b"", b"x", b"\xff\x00" * 62, b"x" * 125])
def test_ping_is_answered(data: bytes, end: End) -> None:
    """A pong has the data of its ping (5.5.3)."""
    assert end.receive(end.ping(data)) == [Ping(data)]
    assert end.sent() == [Frame(PONG, data)]


def test_pong_is_not_answered(end: End) -> None:
    """A pong that nobody asked for is told and not answered (5.5.3)."""
    assert end.receive(end.pong(b"unasked")) == [Pong(b"unasked")]
    assert end.sent() == []


def test_events_come_one_by_one(end: End) -> None:
    """What is sent between two events goes out before the answer to the next one."""
    found: list[Event] = []
    for event in end.connection.receive(end.text("a") + end.ping(b"b") + end.text("c")):
        found.append(event)
        end.connection.send_message(Opcode.TEXT, str(len(found)).encode())

    assert found == [Text("a"), Ping(b"b"), Text("c")]
    assert end.sent() == [
        Frame(TEXT, b"1"),
        Frame(PONG, b"b"),
        Frame(TEXT, b"2"),
        Frame(TEXT, b"3"),
    ]


def test_closing_between_events(end: End) -> None:
    """Messages behind one upon which we close are still read; behind a failure they are dropped."""
    data = end.text("a") + end.text("b") + end.text("c")
    events = end.connection.receive(data)
    assert next(events) == Text("a")
    end.connection.send_close()
    assert next(events) == Text("b")
    end.connection.fail(1008)
    assert list(events) == []


def test_broken_rule_can_be_answered_later(end: End) -> None:
    """Whoever takes events one by one says when a broken rule fails the connection."""
    *before, last = end.connection.receive(end.text("a") + bytes([0x83, 0x00]) + end.text("b"))

    assert before == [Text("a")]
    assert isinstance(last, Broken)
    assert last.code == 1002
    assert list(end.connection.receive(end.text("c"))) == []
    end.connection.send_message(Opcode.TEXT, b"answer")
    end.connection.fail(last.code, last.reason)
    assert [frame.opcode for frame in end.sent()] == [TEXT, CLOSE]


def test_input_may_be_changed_afterwards(end: End) -> None:
    """Nothing of the caller's buffer is kept."""
    buffer = bytearray(end.binary(b"one") + end.binary(b"two")[:4])
    end.connection.receive_data(memoryview(buffer))
    buffer[:] = b"\xff" * len(buffer)
    buffer.clear()

    assert end.receive(end.binary(b"two")[4:]) == [Binary(b"one"), Binary(b"two")]


# Broken rules: each row is bytes of the peer, and the code that it is told.

BROKEN = [
    *(
        pytest.param(opcode, {}, b"", 1002, id=f"reserved opcode {opcode}")
        for opcode in (*range(3, 8), *range(11, 16))
    ),
    *(
        pytest.param(opcode, {"rsv": rsv}, b"", 1002, id=f"reserved bits {rsv:#x}, opcode {opcode}")
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
        for rsv in (0x10, 0x20, 0x40, 0x70)
    ),
    *(
        pytest.param(opcode, {"fin": False}, b"", 1002, id=f"fragmented {opcode}")
        for opcode in (CLOSE, PING, PONG)
    ),
    *(
        pytest.param(opcode, {"length": length}, b"", 1002, id=f"control frame {opcode} of {length}")
        for opcode in (CLOSE, PING, PONG)
        for length in (126, 65_536, 2**63)
    ),
    pytest.param(CONTINUATION, {}, b"x", 1002, id="stray continuation"),
    pytest.param(CONTINUATION, {"fin": False}, b"x", 1002, id="stray continuation without FIN"),
    *(
        pytest.param(BINARY, {"length": length}, b"", 1002, id=f"length {length:#x}")
        for length in (2**63, 2**64 - 1, 2**63 + 10)
    ),
    *(
        pytest.param(BINARY, {"length": length}, b"", 1009, id=f"length {length:#x}")
        for length in (1001, 65_536, 2**31, 2**32 + 1, 2**63 - 1)
    ),
    pytest.param(3, {"length": 2**63 - 1}, b"", 1002, id="reserved opcode of huge length"),
    pytest.param(BINARY, {}, b"x" * 1001, 1009, id="over the limit"),
    pytest.param(TEXT, {}, b"x" * 1001, 1009, id="text over the limit"),
    pytest.param(TEXT, {}, b"\xff", 1007, id="no UTF-8"),
    pytest.param(TEXT, {}, b"ab\xed\xa0\x80", 1007, id="a surrogate"),
    pytest.param(TEXT, {}, b"ab\xe4\xbd", 1007, id="half a character"),
    pytest.param(TEXT, {"fin": False}, b"ab\xed\xa0", 1007, id="half a surrogate in a fragment"),
    pytest.param(TEXT, {"length": 500}, b"ab\xed\xa0", 1007, id="half a surrogate in half a frame"),
    pytest.param(TEXT, {"length": 500}, b"\xc0", 1007, id="a byte that UTF-8 never has in half a frame"),
    pytest.param(CLOSE, {}, b"\x03", 1002, id="a close code of one byte"),
    *(
        pytest.param(CLOSE, {}, code.to_bytes(2, "big"), 1002, id=f"close code {code}")
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535)
    ),
    *(
        pytest.param(CLOSE, {}, b"\x03\xe8" + reason, 1007, id=f"close reason {reason!r}")
        for reason in (b"\xff", b"ok\xe4\xbd", b"\xed\xa0\x80")
    ),
]


@pytest.mark.parametrize("opcode, options, payload, code", BROKEN)
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "byte by byte"])
def test_broken_rule_fails_connection(
    opcode: int, options: dict[str, Any], payload: bytes, code: int, one_by_one: bool, side: Side
) -> None:
    """A broken rule is told by its close code after what came before; then nothing more is read (7.1.7)."""
    end = End(side, limits=Limits(message=1000))
    data = end.text("before") + end.frame(opcode, payload, **options)
    pieces = cut(data, range(len(data))) if one_by_one else [data]

    assert end.receive(*pieces, end.text("after")) == [Text("before")]
    told = end.close_sent()
    assert told.code == code
    assert end.connection.state is State.CLOSING
    assert end.connection.ending is Ending.HALF_CLOSE
    assert end.connection.close_exception.sent == told
    assert end.connection.close_exception.received is None


def test_wrong_masking_fails_connection(end: End) -> None:
    """A client's frame without a mask, or a server's with one, is a protocol error (5.1)."""
    wrong = frame(TEXT, b"Hello", key=None if end.side is Side.SERVER else KEY)

    assert end.receive(wrong) == []
    assert end.close_sent().code == 1002


@pytest.mark.parametrize(
    "text", [b"GET / HTTP/1.1\r\nHost: victim\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\n\n\n"]
)
def test_http_after_the_handshake_fails(text: bytes, end: End) -> None:
    """HTTP spoken where frames are due is a protocol error (10.3)."""
    assert end.receive(text) == []
    assert end.close_sent().code == 1002


@pytest.mark.parametrize(
    "code, payload",
    [
        (code, code.to_bytes(2, "big") + b"bye")
        for code in (1000, 1001, 1002, 1003, 1007, 1014, 3000, 3999, 4000, 4999)
    ]
    + [(1005, b"")],
)
def test_close_is_echoed(code: int, payload: bytes, end: End) -> None:
    """A Close frame is answered with the same code and reason (5.5.1)."""
    close = Close(code, "" if code == 1005 else "bye")

    assert end.receive(end.frame(CLOSE, payload)) == [CloseReceived(close)]
    assert end.sent() == [Frame(CLOSE, payload)]
    assert end.connection.state is State.CLOSING
    assert end.connection.close_exception.received == close
    assert end.connection.close_exception.received_first is True


def test_nothing_is_read_after_close(end: End) -> None:
    """Frames after the peer's Close frame are dropped, broken ones as well (5.5.1)."""
    assert end.receive(end.close() + end.text("late") + b"\xff\xff", end.ping(), b"\x83") == [
        CloseReceived(Close(1000))
    ]
    assert end.sent() == [Frame(CLOSE, b"\x03\xe8")]


def test_messages_are_read_until_the_answer(end: End) -> None:
    """After our Close frame the peer's messages are still read, until its own (5.5.1)."""
    end.connection.send_close(1001, "going")
    assert end.sent() == [Frame(CLOSE, b"\x03\xe9going")]

    events = end.receive(end.text("still here") + end.pong() + end.close(1001) + end.text("late"))

    assert events == [Text("still here"), Pong(b""), CloseReceived(Close(1001))]
    assert end.sent() == []
    assert end.connection.close_exception.received_first is False


def test_pings_are_answered_until_the_answer(end: End) -> None:
    """After our Close frame pings are still answered, until the peer's own (5.5.2)."""
    end.connection.send_close()
    end.sent()

    assert end.receive(end.ping(b"?")) == [Ping(b"?")]
    assert end.sent() == [Frame(PONG, b"?")]
    assert end.receive(end.ping(b"last") + end.close() + end.ping(b"late")) == [
        Ping(b"last"),
        CloseReceived(Close(1000)),
    ]
    assert end.sent() == [Frame(PONG, b"last")]


def test_failure_answers_no_ping(end: End) -> None:
    """After a failure nothing is answered, as nothing is read (7.1.7)."""
    end.connection.fail(1011)

    assert end.receive(end.ping(b"?")) == []
    assert [frame.opcode for frame in end.sent()] == [CLOSE]


def test_broken_rule_after_our_close(end: End) -> None:
    """A rule that is broken after our Close frame is answered with no second one."""
    end.connection.send_close()
    end.sent()

    assert end.receive(b"\x83\x00" + end.text("late")) == []
    assert end.sent() == []
    assert end.connection.ending is Ending.HALF_CLOSE


def test_server_closes_transport_first(end: End) -> None:
    """Once both Close frames are exchanged, the server closes and the client waits (7.1.1)."""
    end.connection.send_close()
    assert end.connection.ending is Ending.NONE
    end.receive(end.close())

    assert end.connection.ending is (Ending.CLOSE if end.side is Side.SERVER else Ending.NONE)
    end.connection.receive_eof()
    assert end.connection.ending is Ending.CLOSE


def test_endings_are_told_apart() -> None:
    """Each ending has a number of its own, that of leaving the transport open being false."""
    assert {one.name: one.value for one in Ending} == {"NONE": 0, "HALF_CLOSE": 1, "CLOSE": 2}


def test_eof_is_an_abnormal_closure(end: End) -> None:
    """A transport that ends without Close frames is code 1006 (7.1.5)."""
    end.connection.receive_eof()

    assert end.connection.state is State.CLOSED
    assert end.connection.ending is Ending.CLOSE
    assert type(end.connection.close_exception) is ConnectionClosedError
    assert end.connection.close_exception.code == 1006
    assert end.receive(end.text("late")) == []


@pytest.mark.parametrize("place", range(1, 7))
def test_eof_within_a_frame(place: int, end: End) -> None:
    """A transport that ends in the middle of a frame gives nothing of it."""
    assert end.receive(end.text("Hello")[:place]) == []
    end.connection.receive_eof()

    assert end.receive() == []
    assert end.sent() == []
    assert end.connection.close_exception.code == 1006


def test_eof_after_both_closes(end: End) -> None:
    """A transport that ends after the closing handshake is as it should be."""
    end.receive(end.close(1000, b"bye"))
    end.connection.receive_eof()

    assert end.connection.state is State.CLOSED
    assert type(end.connection.close_exception) is ConnectionClosedOK


# Limits.


@pytest.mark.parametrize("compressed", [False, True])
def test_message_limit_is_held(compressed: bool, side: Side) -> None:
    """The limit holds for frames, for fragments, and after inflating (1009)."""
    extension = deflated(side) if compressed else None
    ours = deflated(Side.CLIENT)
    for size, fits in ((1000, True), (1001, False)):
        for parts in ([size], [500, size - 500], [1] * size):
            end = End(side, limits=Limits(message=1000), extension=extension and deflated(side))
            data = b""
            for at, part in enumerate(parts):
                last = at == len(parts) - 1
                payload = ours.encode(b"x" * part, ends_message=last) if compressed else b"x" * part
                data += end.frame(
                    CONTINUATION if at else TEXT, payload, fin=last, rsv=RSV1 if compressed and not at else 0
                )
            ours = deflated(Side.CLIENT)
            assert end.receive(data) == ([Text("x" * size)] if fits else [])
            assert [Close.parse(frame.payload).code for frame in end.sent()] == ([] if fits else [1009])


def test_limit_counts_each_fragment(end: End) -> None:
    """A fragment that is over what is left of the limit fails from its head alone."""
    end = End(end.side, limits=Limits(message=1000))

    assert end.receive(end.binary_fragment(b"x" * 600) + end.frame(CONTINUATION, length=401)) == []
    assert end.close_sent().code == 1009


@pytest.mark.parametrize("length", [2**63 - 1, 2**63 - 500, 2**62])
def test_lengths_do_not_overflow(length: int, side: Side) -> None:
    """A length that would overflow a sum of lengths is over the limit."""
    end = End(side, limits=Limits(message=1000))

    end.receive(end.binary_fragment(b"x" * 999) + end.frame(CONTINUATION, length=length))
    assert end.close_sent().code == 1009


@pytest.mark.parametrize("part", [b"", b"x"])
def test_endless_fragments_fail(part: bytes, side: Side) -> None:
    """A message of endless tiny or empty fragments ends at their limit (1009)."""
    end = End(side, limits=Limits(fragments=1000))

    end.receive(end.binary_fragment(part) + end.fragment(part) * 999)
    assert end.sent() == []
    end.receive(end.fragment(part) * 2)
    assert end.close_sent().code == 1009


def test_default_limit_is_a_mebibyte(side: Side) -> None:
    """Without settings, a message of 1 MiB passes, and one that claims a byte more doesn't."""
    end = End(side)
    end.key = bytes(4) if side is Side.SERVER else None

    [message] = end.receive(end.binary(bytes(2**20)))
    assert message == Binary(bytes(2**20))
    end.receive(end.frame(BINARY, length=2**20 + 1))
    assert end.close_sent().code == 1009


def test_pings_in_an_unfinished_message(side: Side) -> None:
    """A full message and its fragments leave control frames their own room."""
    end = End(side, limits=Limits(message=4))

    assert end.receive(end.text_fragment("full") + end.ping(b"x" * 125) + end.last_fragment("")) == [
        Ping(b"x" * 125),
        Text("full"),
    ]


def test_bomb_fails_connection(side: Side) -> None:
    """A small frame that inflates to much is over the limit (1009)."""
    bomb = deflated(Side.CLIENT).encode(bytes(20_000_000), ends_message=True)
    end = End(side, extension=deflated(side))

    assert end.receive(end.frame(BINARY, bomb, rsv=RSV1)) == []
    assert end.close_sent().code == 1009


def test_corrupt_data_fails_connection(side: Side) -> None:
    """Compressed data that is corrupt is invalid (1007)."""
    end = End(side, extension=deflated(side))

    assert end.receive(end.frame(TEXT, b"\xff" * 10, rsv=RSV1)) == []
    assert end.close_sent().code == 1007


def test_mark_without_agreement_fails(end: End) -> None:
    """RSV1 without an agreement on compression is a protocol error (5.2)."""
    payload = deflated(Side.CLIENT).encode(b"Hello", ends_message=True)

    assert end.receive(end.frame(TEXT, payload, rsv=RSV1)) == []
    assert end.close_sent().code == 1002


# Back-pressure.


def test_blocked_output_holds_one_pong(end: End) -> None:
    """While nothing is taken, only the newest ping is answered, once there is room (5.5.3)."""
    end.connection.output_is_blocked = True
    for number in range(10_000):
        assert end.receive(end.ping(b"%d" % number)) == [Ping(b"%d" % number)]
    assert end.sent() == []

    end.connection.output_is_blocked = False
    assert end.sent() == [Frame(PONG, b"9999")]
    assert end.sent() == []


def test_late_pong_goes_behind_what_waited(end: End) -> None:
    """What was sent meanwhile goes out before the late pong, which isn't sent twice."""
    end.connection.output_is_blocked = True
    end.receive(end.ping(b"late"))
    end.connection.send_message(Opcode.TEXT, b"sent")
    assert end.sent() == [Frame(TEXT, b"sent")]

    end.connection.output_is_blocked = False
    end.receive(end.ping(b"new"))
    assert sorted(frame.payload for frame in end.sent()) == [b"late", b"new"]


def test_late_pong_follows_our_close(end: End) -> None:
    """The pong that waited is sent though we began to close meanwhile (5.5.2)."""
    end.connection.output_is_blocked = True
    end.receive(end.ping(b"late"))
    end.connection.send_close()
    end.connection.output_is_blocked = False

    assert [frame.opcode for frame in end.sent()] == [CLOSE, PONG]


@pytest.mark.parametrize("closes", ["receive", "fail"])
def test_no_late_pong_after_close(closes: str, end: End) -> None:
    """The pong that waited is dropped if the peer closed meanwhile, or the connection failed."""
    end.connection.output_is_blocked = True
    end.receive(end.ping(b"late"))
    match closes:
        case "receive":
            end.receive(end.close())
        case "fail":
            end.connection.fail(1011)
    end.connection.output_is_blocked = False

    assert [frame.opcode for frame in end.sent()] == [CLOSE]


# What is sent.


def test_messages_are_written(end: End) -> None:
    """Messages and fragments are written as they are sent, by a client masked (5.1)."""
    end.connection.send_message(Opcode.TEXT, "你好".encode())
    end.connection.send_message(Opcode.BINARY, memoryview(b"\x00\xff"))
    end.connection.send_message(Opcode.BINARY, bytearray(b"a"), fin=False)
    end.connection.send_ping(b"ping")
    end.connection.send_continuation(b"", fin=False)
    end.connection.send_pong(b"pong")
    end.connection.send_continuation(b"b", fin=True)

    assert end.sent() == [
        Frame(TEXT, "你好".encode()),
        Frame(BINARY, b"\x00\xff"),
        Frame(BINARY, b"a", fin=False),
        Frame(PING, b"ping"),
        Frame(CONTINUATION, b"", fin=False),
        Frame(PONG, b"pong"),
        Frame(CONTINUATION, b"b"),
    ]
    assert end.sent() == []


def test_data_may_be_changed_after_sending(end: End) -> None:
    """What was sent is copied."""
    data = bytearray(b"before")
    end.connection.send_message(Opcode.BINARY, data)
    data[:] = b"after!"

    assert end.sent() == [Frame(BINARY, b"before")]


def test_fragments_come_in_order(end: End) -> None:
    """A message can't begin within another, or go on when there is none (5.4)."""
    with pytest.raises(LocalProtocolError, match="no fragmented message"):
        end.connection.send_continuation(b"x", fin=True)
    end.connection.send_message(Opcode.TEXT, b"a", fin=False)
    with pytest.raises(LocalProtocolError, match="isn't finished"):
        end.connection.send_message(Opcode.TEXT, b"b")
    end.connection.send_continuation(b"c", fin=True)
    with pytest.raises(LocalProtocolError, match="no fragmented message"):
        end.connection.send_continuation(b"d", fin=True)
    end.connection.send_message(Opcode.TEXT, b"e")

    assert [frame.payload for frame in end.sent()] == [b"a", b"c", b"e"]


def test_long_control_frames_are_refused(end: End) -> None:
    """A ping or pong over 125 bytes isn't sent (5.5)."""
    end.connection.send_ping(b"x" * 125)
    for send in (end.connection.send_ping, end.connection.send_pong):
        with pytest.raises(LocalProtocolError, match="125"):
            send(b"x" * 126)

    assert end.sent() == [Frame(PING, b"x" * 125)]


@pytest.mark.parametrize("code", [999, 1004, 1006, 1015, 1016, 2999, 5000])
def test_forbidden_close_is_refused(code: int, end: End) -> None:
    """A code that may not be sent, or a reason too long, is a bug in the caller (7.4)."""
    with pytest.raises(LocalProtocolError, match="may not be sent"):
        end.connection.send_close(code)
    for reason in ("x" * 124, "\ud800"):
        with pytest.raises(LocalProtocolError):
            end.connection.send_close(1000, reason)

    assert end.sent() == []
    assert end.connection.state is State.OPEN


@pytest.mark.parametrize("code, payload", [(1000, b"\x03\xe8"), (1005, b""), (4999, b"\x13\x87")])
def test_close_is_sent_once(code: int, payload: bytes, end: End) -> None:
    """Only the first close is sent (5.5.1)."""
    end.connection.send_close(code)
    end.connection.send_close(1001)
    end.connection.fail(1011)

    assert end.sent() == [Frame(CLOSE, payload)]


def test_nothing_is_sent_before_opening(side: Side) -> None:
    """A connection that isn't open yet takes nothing."""
    connection = Connection(side, Limits())
    for send in (
        lambda: connection.send_message(Opcode.TEXT, b""),
        connection.send_ping,
        connection.send_pong,
        connection.send_close,
    ):
        with pytest.raises(LocalProtocolError, match="isn't open yet"):
            send()
    assert connection.data_to_send() == []


@pytest.mark.parametrize("how", ["send_close", "receive", "fail", "eof"])
def test_nothing_is_sent_after_closing(how: str, end: End) -> None:
    """After a Close frame of either side, or the end, nothing is taken (5.5.1)."""
    end.connection.send_message(Opcode.TEXT, b"begun", fin=False)
    match how:
        case "send_close":
            end.connection.send_close()
        case "receive":
            end.receive(end.close())
        case "fail":
            end.connection.fail(1011)
        case "eof":
            end.connection.receive_eof()
    before = end.sent()
    for send in (
        lambda: end.connection.send_message(Opcode.TEXT, b""),
        lambda: end.connection.send_continuation(b"", fin=True),
        end.connection.send_ping,
        end.connection.send_pong,
    ):
        with pytest.raises(ConnectionClosed):
            send()
    end.connection.send_close()

    assert [frame.opcode for frame in before] == ([TEXT] if how == "eof" else [TEXT, CLOSE])
    assert end.sent() == []


@pytest.mark.parametrize(
    "reason, told",
    [("", ""), ("x" * 500, "x" * 120), ("啊" * 50, "啊" * 40), ("a" + "啊" * 50, "a" + "啊" * 39)],
)
def test_failure_is_told(reason: str, told: str, end: End) -> None:
    """A failure sends its code, with as much of the reason as fits, and ends reading."""
    end.connection.fail(CloseCode.INTERNAL_ERROR, reason)

    assert end.close_sent() == Close(1011, told)
    assert end.connection.state is State.CLOSING
    assert end.connection.ending is Ending.HALF_CLOSE
    assert end.receive(end.text("late")) == []


def test_compression_may_be_left_out(side: Side) -> None:
    """Each message may be sent plain, between compressed ones, in fragments as well (RFC 7692 6)."""
    end = End(side, extension=deflated(side))
    theirs = deflated(Side.CLIENT)
    end.connection.send_message(Opcode.TEXT, b"Hello")
    end.connection.send_message(Opcode.TEXT, b"Hello", compress=False)
    end.connection.send_message(Opcode.TEXT, b"Hel", fin=False, compress=False)
    end.connection.send_continuation(b"lo", fin=True)
    end.connection.send_message(Opcode.TEXT, b"Hel", fin=False)
    end.connection.send_continuation(b"lo", fin=True)

    first, *plain, begun, ended = end.sent()

    assert plain == [Frame(TEXT, b"Hello"), Frame(TEXT, b"Hel", fin=False), Frame(CONTINUATION, b"lo")]
    assert (first.rsv, begun.rsv, ended.rsv) == (RSV1, RSV1, 0)
    assert theirs.decode(first.payload, ends_message=True, size=6) == b"Hello"
    assert theirs.decode(begun.payload + ended.payload, ends_message=True, size=6) == b"Hello"


@pytest.mark.parametrize(
    "compress, size, is_whole, is_compressed",
    [
        (None, 31, True, False),
        (None, 32, True, True),
        (None, 1, False, True),
        (True, 0, True, True),
        (True, 1, False, True),
        (False, 1000, True, False),
        (False, 1000, False, False),
    ],
)
def test_size_decides_on_compression(
    compress: bool | None, size: int, is_whole: bool, is_compressed: bool, side: Side
) -> None:
    """Without a wish, a message is compressed from the threshold on, and always if it is in fragments."""
    end = End(side, extension=deflated(side, threshold=32))
    end.connection.send_message(Opcode.BINARY, b"x" * size, fin=is_whole, compress=compress)

    [sent] = end.sent()
    assert sent.rsv == (RSV1 if is_compressed else 0)


@pytest.mark.parametrize("compress", [None, True, False])
def test_wish_needs_agreement(compress: bool | None, end: End) -> None:
    """Where no compression is agreed, none is applied, whatever is wished."""
    end.connection.send_message(Opcode.BINARY, b"x" * 1000, compress=compress)
    end.connection.send_prepared(Prepared(Opcode.BINARY, b"x" * 1000, compress))

    assert end.sent() == [Frame(BINARY, b"x" * 1000)] * 2


# Messages that go to many.


@pytest.mark.parametrize("compress", [None, True, False])
@pytest.mark.parametrize("size", [0, 31, 32, 1000])
def test_prepared_is_sent_like_any(compress: bool | None, size: int, side: Side) -> None:
    """A prepared message is the message, on either side, compressed or not as one that isn't prepared."""
    ends = [End(side, extension=deflated(side, threshold=32)) for _ in range(2)]
    ends[0].connection.send_message(Opcode.BINARY, b"x" * size, compress=compress)
    taken = ends[1].connection.send_prepared(Prepared(Opcode.BINARY, b"x" * size, compress))
    output = b"".join(ends[1].connection.data_to_send())

    assert frames(output, masked=side is Side.CLIENT) == ends[0].sent()
    assert taken == (len(output) if side is Side.SERVER else size)


def test_servers_share_frames() -> None:
    """Servers' connections of one kind write the same bytes object, those of another another."""
    prepared = Prepared(Opcode.TEXT, b"Hello" * 100)
    extensions = [
        None,
        None,
        deflated(Side.SERVER),
        deflated(Side.SERVER),
        deflated(Side.SERVER, local_bits=9),
    ]
    written: list[bytes] = []
    for extension in extensions:
        end = End(Side.SERVER, extension=extension)
        end.connection.send_prepared(prepared)
        written += end.connection.data_to_send()

    assert written[0] is written[1]
    assert written[2] is written[3]
    assert len({id(data) for data in written}) == 3


def test_clients_share_nothing() -> None:
    """A client masks each frame with a key of its own (5.3)."""
    prepared = Prepared(Opcode.TEXT, b"Hello")
    ends = [End(Side.CLIENT) for _ in range(2)]
    for end in ends:
        end.connection.send_prepared(prepared)
    first, second = (end.connection.data_to_send() for end in ends)

    assert first != second
    assert prepared._frames == {}


def test_prepared_keeps_the_rules(end: End) -> None:
    """A prepared message can't be sent before the opening, within another, or after closing."""
    prepared = Prepared(Opcode.TEXT, b"x")
    with pytest.raises(LocalProtocolError, match="isn't open yet"):
        Connection(end.side, Limits()).send_prepared(prepared)
    end.connection.send_message(Opcode.TEXT, b"a", fin=False)
    with pytest.raises(LocalProtocolError, match="isn't finished"):
        end.connection.send_prepared(prepared)
    assert end.connection.is_sending_fragments
    end.connection.send_continuation(b"b", fin=True)
    assert not end.connection.is_sending_fragments
    end.connection.send_close()
    with pytest.raises(ConnectionClosed):
        end.connection.send_prepared(prepared)

    assert [frame.payload for frame in end.sent()] == [b"a", b"b", b"\x03\xe8"]


@given(
    kinds=st.lists(st.tuples(st.integers(8, 15), st.booleans()), min_size=1, max_size=3),
    script=st.lists(
        st.tuples(
            st.sampled_from([None, 0, 1, 2]),
            st.lists(st.sampled_from([bytes(range(200)), b"x" * 300, b"ab"]), max_size=3).map(b"".join),
            st.sampled_from([None, True, False]),
        ),
        max_size=8,
    ),
)
def test_shared_messages_reach_everyone(
    kinds: list[tuple[int, bool]], script: list[tuple[int | None, bytes, bool | None]]
) -> None:
    """Clients of any kind understand messages for all of them, between others for each of them."""
    pairs: list[tuple[End, End, list[Event]]] = []
    for bits, no_takeover in kinds:
        ours = deflated(Side.SERVER, local_bits=bits, local_no_takeover=no_takeover, threshold=32)
        theirs = deflated(Side.CLIENT, remote_bits=bits, remote_no_takeover=no_takeover)
        pairs.append((End(Side.SERVER, extension=ours), End(Side.CLIENT, extension=theirs), []))
    for to, data, compress in script:
        prepared = Prepared(Opcode.BINARY, data, compress)
        for number, (server, _, expected) in enumerate(pairs):
            if to is None:
                server.connection.send_prepared(prepared)
                expected.append(Binary(data))
            elif to == number:
                server.connection.send_message(Opcode.BINARY, data, compress=compress)
                expected.append(Binary(data))

    for server, client, expected in pairs:
        assert client.receive(*server.connection.data_to_send()) == expected


def test_shared_message_moves_the_window() -> None:
    """After a message for many, nothing refers to what was said before it."""
    ours, theirs = (End(side, extension=deflated(side)) for side in Side)
    own, shared = b"".join(bytes([at, 255 - at]) for at in range(256)), bytes(reversed(range(256)))
    ours.connection.send_message(Opcode.BINARY, own)
    ours.connection.send_prepared(Prepared(Opcode.BINARY, shared))
    ours.connection.send_message(Opcode.BINARY, own)

    assert theirs.receive(*ours.connection.data_to_send()) == [Binary(own), Binary(shared), Binary(own)]


# What ended a connection.


@pytest.mark.parametrize(
    "opcode, options, payload, kind",
    [
        (3, {}, b"", RemoteProtocolError),
        (BINARY, {"length": 2**40}, b"", PayloadTooBig),
        (TEXT, {}, b"\xff" * 1000, RemoteProtocolError),
        (TEXT, {"fin": False}, b"x" * 900 + b"\xff", RemoteProtocolError),
        (CLOSE, {}, b"\x03\xe8" + b"x" * 100 + b"\xff", RemoteProtocolError),
        (CLOSE, {}, b"\x00\x00", RemoteProtocolError),
        (TEXT, {"rsv": RSV1}, b"\xff" * 1000, RemoteProtocolError),
    ],
)
def test_broken_rule_is_the_cause(
    opcode: int, options: dict[str, Any], payload: bytes, kind: type[Exception], side: Side
) -> None:
    """A failed connection's exception has the broken rule as its cause, which keeps no frames and no data."""
    end = End(side, extension=deflated(side))
    end.receive(end.frame(opcode, payload, **options))

    cause = end.connection.close_exception.__cause__
    assert type(cause) is kind
    assert cause.__traceback__ is None
    assert (cause.__cause__, cause.__context__) == (None, None)
    assert str(cause).startswith(end.close_sent().reason)
    end.connection.receive_eof(OSError("later"))
    assert end.connection.close_exception.__cause__ is cause


def test_lost_transport_is_the_cause(end: End) -> None:
    """The error of a transport that is lost is the exception's cause; a mere end has none."""
    error = ConnectionResetError()
    end.connection.receive_eof(error)

    assert end.connection.close_exception.__cause__ is error
    other = End(end.side)
    other.connection.receive_eof()
    assert other.connection.close_exception.__cause__ is None


# Messages in pieces.


def test_message_comes_in_chunks(end: End) -> None:
    """A message that is asked for in pieces is given as it arrives, control frames in between (5.4)."""
    assert end.connection.start_streaming() is None
    first = end.text_fragment("Hello")

    assert end.receive(first[:-2], first[-2:] + end.ping(b"?") + end.fragment(b"")) == [
        Chunk("Hel", False),
        Chunk("lo", False),
        Ping(b"?"),
    ]
    assert end.receive(end.last_fragment("!") + end.text("whole")) == [Chunk("!", True), Text("whole")]


def test_stream_begins_where_it_is_asked_for(end: End) -> None:
    """Asked for within a message, chunks begin with what had come; what had is known before."""
    end.receive(end.binary_fragment(b"abc"))
    assert end.connection.bytes_assembled == 3
    assert end.connection.start_streaming() == Chunk(b"abc", False)
    assert end.connection.bytes_assembled == 0

    assert end.receive(end.last_fragment("d"), end.binary(b"e")) == [Chunk(b"d", True), Binary(b"e")]


@pytest.mark.parametrize("broken", [b"ab\xff", "发".encode()[:2] + b"x"], ids=["byte", "character"])
def test_broken_message_has_no_chunks(broken: bytes, end: End) -> None:
    """Of text that wasn't UTF-8 nothing is given, and nothing raised, to who asks for pieces later."""
    assert end.receive(end.text_fragment(broken)) == []
    assert end.close_sent().code == 1007
    assert end.connection.start_streaming() is None


def test_streaming_may_be_called_off(end: End) -> None:
    """Before the message begins the request for chunks may be taken back; after that, it changes nothing."""
    end.connection.start_streaming()
    end.connection.stop_streaming()
    assert end.receive(end.text("whole")) == [Text("whole")]
    end.connection.start_streaming()
    assert end.receive(end.text_fragment("a")) == [Chunk("a", False)]
    end.connection.stop_streaming()
    assert end.receive(end.last_fragment("b"), end.text("whole")) == [Chunk("b", True), Text("whole")]


def test_chunks_keep_to_the_limit(side: Side) -> None:
    """The limit of messages counts what was given in chunks, and begins again after them (1009)."""
    end = End(side, limits=Limits(message=10))
    for _ in range(2):
        end.connection.start_streaming()
        assert end.receive(end.binary_fragment(b"x" * 6), end.last_fragment(b"x" * 4)) == [
            Chunk(b"x" * 6, False),
            Chunk(b"x" * 4, True),
        ]
    end.connection.start_streaming()
    assert end.receive(end.binary_fragment(b"x" * 6), end.last_fragment(b"x" * 5)) == [Chunk(b"x" * 6, False)]
    assert end.close_sent().code == 1009


def test_frames_keep_to_their_limit(side: Side) -> None:
    """A frame over the limit of frames fails from its head, in a message that isn't over its own (1009)."""
    end = End(side, limits=Limits(frame=10))

    assert end.receive(end.binary_fragment(b"x" * 10) + end.last_fragment(b"x" * 10)) == [Binary(b"x" * 20)]
    assert end.receive(end.frame(BINARY, length=11)) == []
    assert end.close_sent().code == 1009


@pytest.mark.parametrize("begins", ["at once", "later"])
def test_failure_ends_chunks(begins: str, side: Side) -> None:
    """Upon a failure no chunk is given any more, though more of them had come in one piece."""
    bomb = deflated(Side.CLIENT).encode(bytes(10 * CHUNK_SIZE), ends_message=True)
    end = End(side, extension=deflated(side))
    end.connection.start_streaming()
    events = end.connection.receive(end.frame(BINARY, bomb, rsv=RSV1) + end.text("later"))
    assert isinstance(next(events), Chunk)
    if begins == "later":
        events.close()
        events = end.connection.receive(b"")
        assert isinstance(next(events), Chunk)
    end.connection.fail(1008)

    assert list(events) == []
    assert list(end.connection.receive(b"")) == []


# Reading on later.


@pytest.mark.parametrize("streams", [False, True])
def test_room_is_of_the_next_message(streams: bool, side: Side) -> None:
    """Whoever stops at a message's end finds all of the room for the next one."""
    end = End(side, limits=Limits(message=10))
    data = end.binary_fragment(b"x" * 6) + end.last_fragment(b"x" * 4) + end.binary(b"y" * 10)
    if streams:
        end.connection.start_streaming()
    events = end.connection.receive(data)
    if streams:
        assert next(events) == Chunk(b"x" * 6, False)
    assert next(events) == (Chunk(b"x" * 4, True) if streams else Binary(b"x" * 10))
    events.close()

    assert list(end.connection.receive(b"")) == [Binary(b"y" * 10)]


def test_room_follows_what_was_behind(side: Side) -> None:
    """A message that ends with chunks that were behind leaves all of the room for the next one."""
    size = CHUNK_SIZE + 10
    end = End(side, limits=Limits(message=size), extension=deflated(side))
    payload = deflated(Side.CLIENT).encode(random.Random(1).randbytes(size), ends_message=True)
    end.connection.start_streaming()
    events = end.connection.receive(end.frame(BINARY, payload, rsv=RSV1) + end.binary(bytes(size)))
    assert isinstance(next(events), Chunk)
    events.close()
    last, whole = end.connection.receive(b"")

    assert isinstance(last, Chunk)
    assert (len(last.data), last.ends_message) == (10, True)
    assert whole == Binary(bytes(size))


def test_so_many_frames_are_read_at_once(end: End) -> None:
    """Where a number of frames is set, no more are read at once, though they make no event."""
    assert not end.connection.has_more
    end.connection.pieces_at_once = 3
    data = end.binary_fragment(b"a") + end.fragment(b"") * 4 + end.last_fragment(b"b") + end.ping()
    seen = [(list(end.connection.receive(part)), end.connection.has_more) for part in (data, b"", b"", b"")]

    assert seen == [([], True), ([Binary(b"ab")], True), ([Ping(b"")], False), ([], False)]


def test_bytes_come_behind_what_is_behind(side: Side) -> None:
    """Bytes that arrive before a compressed piece is given out are read after it, copied."""
    theirs = deflated(Side.CLIENT)
    end = End(side, extension=deflated(side))
    end.connection.start_streaming()
    bomb = theirs.encode(bytes(3 * CHUNK_SIZE), ends_message=True)
    events = end.connection.receive(end.frame(BINARY, bomb, rsv=RSV1))
    next(events)
    events.close()
    later = bytearray(end.text("later") + end.ping(b"cut")[:3])
    events = end.connection.receive(later)
    next(events)
    events.close()
    later[:] = bytes(len(later))

    *chunks, text, ping = end.connection.receive(end.ping(b"cut")[3:])
    assert [chunk.ends_message for chunk in chunks if isinstance(chunk, Chunk)][-1] is True
    assert (text, ping) == (Text("later"), Ping(b"cut"))


def test_message_is_given_away(end: End) -> None:
    """A message that was taken isn't kept while the next event is made."""
    events = end.connection.receive(end.binary(b"x" * 100) + end.ping())
    message = next(events)
    assert isinstance(message, Binary)
    assert next(events) == Ping(b"")

    # This name, and for some versions of Python the argument.
    assert sys.getrefcount(message) <= 2


def test_eof_drops_what_was_kept(end: End) -> None:
    """What wasn't read when the transport ended isn't read any more."""
    events = end.connection.receive(end.text("a") + end.text("b"))
    next(events)
    events.close()
    end.connection.receive_eof()

    assert list(end.connection.receive(b"")) == []


# Any bytes, any split.

PAYLOADS = st.one_of(
    st.text(max_size=8).map(str.encode),
    st.binary(max_size=8),
    st.sampled_from(
        [b"", b"\xe4\xbd", b"\xa0", b"x" * 61, b"\xed\xa0\x80", b"\x03\xe8", b"\x03\xe8\xe4", b"\x03"]
    ),
)


@st.composite
def some_frames(draw: st.DrawFn) -> list[tuple[int, bytes, dict[str, Any]]]:
    """Draw frames that mostly keep the rules."""
    script: list[tuple[int, bytes, dict[str, Any]]] = []
    for _ in range(draw(st.integers(0, 8))):
        opcode = draw(st.sampled_from([TEXT, TEXT, BINARY, CONTINUATION, CONTINUATION, PING, PONG, CLOSE, 3]))
        options: dict[str, Any] = {}
        if opcode in (TEXT, BINARY, CONTINUATION):
            options["fin"] = draw(st.booleans())
        if draw(st.integers(0, 9)) == 0:
            options["rsv"] = RSV1
        script.append((opcode, draw(PAYLOADS), options))
    return script


def outcome(end: End, pieces: list[bytes]) -> tuple[list[Event], list[tuple[int, bytes]], State, Ending]:
    """Return all that is seen of a connection that takes some bytes; of its failure, only the code."""
    events = end.receive(*pieces)
    sent = [
        (
            frame.opcode,
            frame.payload[:2] if frame.opcode == CLOSE and end.connection.lifecycle.failed else frame.payload,
        )
        for frame in end.sent()
    ]
    return events, sent, end.connection.state, end.connection.ending


@settings(max_examples=200)
@given(
    script=some_frames(),
    places=st.lists(st.integers(1, 400), max_size=30) | st.just(list(range(1, 1000))),
    rest=st.binary(max_size=4),
    compressed=st.booleans(),
    side=st.sampled_from(Side),
)
def test_split_changes_nothing(
    script: list[tuple[int, bytes, dict[str, Any]]],
    places: list[int],
    rest: bytes,
    compressed: bool,
    side: Side,
) -> None:
    """The same bytes, split anywhere, give the same events, output and state."""
    limits = Limits(message=60, fragments=4)
    whole, split = (
        End(side, limits=limits, extension=deflated(side) if compressed else None) for _ in range(2)
    )
    ours = deflated(Side.CLIENT)
    data = b"".join(
        whole.frame(
            opcode,
            ours.encode(payload, ends_message=options["fin"])
            if compressed and options.get("rsv") and "fin" in options
            else payload,
            **options,
        )
        for opcode, payload, options in script
    )
    data += rest

    assert outcome(split, cut(data, places)) == outcome(whole, [data])


class Releasing(End):
    """Gives back what it can after each piece."""

    def receive(self, *pieces: bytes) -> list[Event]:
        """Receive pieces one by one."""
        events: list[Event] = []
        for piece in pieces:
            events += super().receive(piece)
            self.connection.release()
        return events


@given(
    script=some_frames(),
    places=st.lists(st.integers(1, 400), max_size=30) | st.just(list(range(1, 1000))),
    side=st.sampled_from(Side),
)
def test_releasing_changes_nothing(
    script: list[tuple[int, bytes, dict[str, Any]]], places: list[int], side: Side
) -> None:
    """Whoever gives back what isn't needed after each piece sees what one sees who keeps it."""
    keeping, releasing = (
        kind(side, limits=Limits(message=60, fragments=4), extension=deflated(side))
        for kind in (End, Releasing)
    )
    data = b"".join(keeping.frame(opcode, payload, **options) for opcode, payload, options in script)

    assert outcome(releasing, cut(data, places)) == outcome(keeping, cut(data, places))


class Reader:
    """Takes bytes from an end event by event, and may ask for messages in chunks."""

    def __init__(self, end: End, streams: list[bool]) -> None:
        self.end = end
        self.events: list[Event] = []
        self._streams = itertools.cycle(streams)
        self._choose()

    def _choose(self) -> None:
        if next(self._streams):
            assert self.end.connection.start_streaming() is None

    def take(self, event: Event) -> None:
        """Note an event, as one with the one before it if both are chunks of one message."""
        last = self.events[-1] if self.events else None
        if isinstance(event, Chunk) and isinstance(last, Chunk) and not last.ends_message:
            self.events[-1] = Chunk(last.data + event.data, event.ends_message)  # type: ignore[operator]
        else:
            self.events.append(event)
        if isinstance(event, Broken):
            self.end.connection.fail(event.code)
        elif isinstance(event, Text | Binary) or (isinstance(event, Chunk) and event.ends_message):
            self._choose()

    def read(self, parts: list[bytes], breaks: list[int], *, waits: bool) -> None:
        """Read bytes, and begin anew each time after so many events, 0 for never.

        ``waits`` tells whether new bytes come only when all before them are used up.
        """
        turn = itertools.cycle(breaks)
        rest = collections.deque(parts)
        while rest:
            events = self.end.connection.receive(rest.popleft())
            while count := next(turn):
                some = list(map(self.take, itertools.islice(events, count)))
                if not some:
                    break
                events.close()
                events = self.end.connection.receive(b"" if waits or not rest else rest.popleft())
            for event in events:
                self.take(event)
            if self.end.connection.has_more and not rest:
                rest.append(b"")

    def outcome(self) -> tuple[list[Event], list[tuple[int, bytes]], State]:
        """Return all that is seen, but of a failed message what depends on the time at which it was found."""
        events = self.events
        if events and isinstance(events[-1], Broken):
            ended = [at for at, event in enumerate(events) if not (isinstance(event, Chunk) and not event[1])]
            whole = max((at for at in ended if isinstance(events[at], Text | Binary | Chunk)), default=-1)
            events = [event for at, event in enumerate(events) if at <= whole or not isinstance(event, Chunk)]
            events[-1] = Broken(events[-1].code, "")  # type: ignore[union-attr]
        sent = [(frame.opcode, frame.payload) for frame in self.end.sent()]
        return events, sent, self.end.connection.state


@settings(max_examples=200)
@given(
    script=some_frames(),
    places=st.lists(st.integers(1, 400), max_size=10),
    breaks=st.lists(st.integers(0, 3), min_size=1, max_size=5),
    streams=st.lists(st.booleans(), min_size=1, max_size=3),
    at_once=st.none() | st.integers(1, 3),
    waits=st.booleans(),
    compressed=st.booleans(),
    side=st.sampled_from(Side),
)
def test_breaks_change_nothing(
    script: list[tuple[int, bytes, dict[str, Any]]],
    places: list[int],
    breaks: list[int],
    streams: list[bool],
    at_once: int | None,
    waits: bool,
    compressed: bool,
    side: Side,
) -> None:
    """Whoever stops after any event and goes on later sees what one sees who doesn't, in chunks as well."""
    limits = Limits(message=600, fragments=4)
    whole, broken = (
        Reader(End(side, limits=limits, extension=deflated(side) if compressed else None), streams)
        for _ in range(2)
    )
    broken.end.connection.pieces_at_once = at_once
    ours = deflated(Side.CLIENT)
    data = b""
    for opcode, payload, options in script:
        if compressed and "fin" in options:
            payload = ours.encode(payload * 20, ends_message=options["fin"])
            options = {**options, "rsv": 0 if opcode == CONTINUATION else RSV1}
        data += whole.end.frame(opcode, payload, **options)
    parts = cut(data, places)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fullduplex.protocol.messages.CHUNK_SIZE", 5)
        whole.read(parts, [0], waits=True)
        broken.read(parts, breaks, waits=waits)

    assert broken.outcome() == whole.outcome()


@given(data=st.binary(max_size=300), compressed=st.booleans(), side=st.sampled_from(Side))
def test_noise_raises_nothing(data: bytes, compressed: bool, side: Side) -> None:
    """No bytes make ``receive_data`` raise."""
    end = End(side, limits=Limits(message=100), extension=deflated(side) if compressed else None)
    end.receive(data, b"", data)

    assert len([frame for frame in end.sent() if frame.opcode == CLOSE]) <= 1


# Two ends.

MESSAGES = st.one_of(
    st.tuples(st.just(Opcode.TEXT), st.lists(st.text(max_size=20).map(str.encode), min_size=1, max_size=4)),
    st.tuples(st.just(Opcode.BINARY), st.lists(st.binary(max_size=200), min_size=1, max_size=4)),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.one_of(
            st.tuples(st.just("message"), MESSAGES),
            st.tuples(st.sampled_from(["ping", "pong"]), st.binary(max_size=125)),
            st.tuples(st.just("transfer"), st.integers(1, 500)),
        ),
    ),
    max_size=15,
)
CLOSES = st.tuples(
    st.sampled_from(Side),
    st.one_of(
        st.tuples(st.sampled_from([1000, 1001, 1011, 3000, 4999]), st.text(max_size=30)),
        st.just((1005, "")),
    ),
)


class Wire:
    """Two ends and the bytes under way between them."""

    def __init__(self, compressed: bool, bits: int, takeover: bool) -> None:
        def extension(side: Side) -> Any:
            if not compressed:
                return None
            return deflated(
                side,
                local_bits=bits,
                remote_bits=bits,
                local_no_takeover=not takeover,
                remote_no_takeover=not takeover,
            )

        self.ends = {side: Connection(side, Limits()) for side in Side}
        for side, end in self.ends.items():
            end.open(extension(side))
        self.under_way = dict.fromkeys(Side, b"")
        self.events: dict[Side, list[Event]] = {side: [] for side in Side}
        self.expected: dict[Side, list[Event]] = {side: [] for side in Side}

    def say(self, side: Side, kind: str, what: Any) -> None:
        """Let one end say something, and note what the other should see."""
        end, expected = self.ends[side], self.expected[Side(1 - side)]
        match kind:
            case "message":
                opcode, parts = what
                for at, part in enumerate(parts):
                    fin = at == len(parts) - 1
                    if at:
                        end.send_continuation(part, fin=fin)
                    else:
                        end.send_message(opcode, part, fin=fin)
                data = b"".join(parts)
                expected.append(Text(data.decode()) if opcode is Opcode.TEXT else Binary(data))
            case "ping":
                end.send_ping(what)
                expected.append(Ping(what))
            case "pong":
                end.send_pong(what)
                expected.append(Pong(what))
            case "transfer":
                self.transfer(side, what)

    def transfer(self, side: Side, size: int) -> bool:
        """Carry some bytes that one end wrote to the other; tell whether there were any."""
        self.under_way[side] += b"".join(self.ends[side].data_to_send())
        data, self.under_way[side] = self.under_way[side][:size], self.under_way[side][size:]
        other = Side(1 - side)
        self.ends[other].receive_data(data)
        self.events[other] += self.ends[other].events_received()
        return bool(data)

    def settle(self, size: int) -> None:
        """Carry everything."""
        # Both take their turn, whether the first had anything or not.
        while sum(self.transfer(side, size) for side in Side):
            """Go on until both are silent."""


@given(
    steps=STEPS,
    close=CLOSES,
    size=st.integers(1, 600),
    compressed=st.booleans(),
    bits=st.integers(8, 15),
    takeover=st.booleans(),
)
def test_two_ends_see_what_was_sent(
    steps: list[tuple[Side, tuple[str, Any]]],
    close: tuple[Side, tuple[int, str]],
    size: int,
    compressed: bool,
    bits: int,
    takeover: bool,
) -> None:
    """Whatever two ends say to each other arrives, in order and whole, with a pong for each ping."""
    wire = Wire(compressed, bits, takeover)
    for side, (kind, what) in steps:
        wire.say(side, kind, what)
    wire.settle(size)
    closer, (code, reason) = close
    wire.ends[closer].send_close(code, reason)
    wire.settle(size)

    for side in Side:
        unasked = [event for event in wire.expected[side] if isinstance(event, Pong)]
        asked = [Pong(event.data) for event in wire.expected[Side(1 - side)] if isinstance(event, Ping)]
        found = [event for event in wire.events[side] if isinstance(event, Pong)]
        others = [event for event in wire.events[side] if not isinstance(event, Pong)]
        assert sorted(found) == sorted(unasked + asked)
        assert others == [event for event in wire.expected[side] if not isinstance(event, Pong)] + [
            CloseReceived(Close(code, reason))
        ]
        end = wire.ends[side]
        assert end.state is State.CLOSING
        assert end.close_exception.received == end.close_exception.sent == Close(code, reason)
        assert end.close_exception.received_first is (side is not closer)
    assert [wire.ends[side].ending for side in Side] == [Ending.CLOSE, Ending.NONE]


@given(first=CLOSES, second=CLOSES, size=st.integers(1, 200))
def test_both_may_close_at_once(
    first: tuple[Side, tuple[int, str]], second: tuple[Side, tuple[int, str]], size: int
) -> None:
    """Close frames that cross each other are both seen, and neither is answered."""
    wire = Wire(False, 15, True)
    closes = {side: Close(*close) for side, (_, close) in zip(Side, (first, second), strict=True)}
    for side, close in closes.items():
        wire.ends[side].send_close(close.code, close.reason)
    wire.settle(size)

    for side in Side:
        assert wire.events[side] == [CloseReceived(closes[Side(1 - side)])]
        exception = wire.ends[side].close_exception
        assert (exception.sent, exception.received) == (closes[side], closes[Side(1 - side)])
        assert exception.received_first is False


class AnyConduct(RuleBasedStateMachine):
    """An end whose peer, owner and transport do anything in any order."""

    @initialize(side=st.sampled_from(Side), compressed=st.booleans())
    def begin(self, side: Side, compressed: bool) -> None:
        """Open an end."""
        self.end = End(
            side, limits=Limits(message=50, fragments=3), extension=deflated(side) if compressed else None
        )
        self.written: list[Frame] = []
        self.over = False

    @rule(
        opcode=st.sampled_from([TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE]),
        payload=PAYLOADS,
        fin=st.booleans(),
    )
    def peer_speaks(self, opcode: int, payload: bytes, fin: bool) -> None:
        """The peer sends a frame, which may break a rule."""
        events = self.end.receive(self.end.frame(opcode, payload, fin=fin))
        assert not (self.over and events)

    @rule(data=st.binary(max_size=5))
    def peer_mumbles(self, data: bytes) -> None:
        """The peer sends anything."""
        events = self.end.receive(data)
        assert not (self.over and events)

    @rule(
        call=st.sampled_from(
            ["send_message", "send_fragment", "send_continuation", "send_ping", "send_pong", "send_close"]
        )
    )
    def owner_speaks(self, call: str) -> None:
        """The owner sends something, whether it is time or not."""
        connection = self.end.connection
        with contextlib.suppress(LocalProtocolError, ConnectionClosed):
            match call:
                case "send_message" | "send_fragment":
                    connection.send_message(Opcode.TEXT, b"text", fin=call == "send_message")
                case "send_continuation":
                    connection.send_continuation(b"text", fin=True)
                case _:
                    getattr(connection, call)()

    @rule(is_blocked=st.booleans())
    def transport_blocks(self, is_blocked: bool) -> None:
        """The transport takes nothing, or takes something again."""
        self.end.connection.output_is_blocked = is_blocked

    @rule()
    def owner_fails(self) -> None:
        """The owner gives up."""
        self.end.connection.fail(1011)

    @rule()
    def transport_ends(self) -> None:
        """The transport is gone."""
        self.end.connection.receive_eof()

    def has_closed(self) -> bool:
        """Tell whether we have sent a Close frame."""
        return any(frame.opcode == CLOSE for frame in self.written)

    @invariant()
    def output_keeps_the_rules(self) -> None:
        """Only pongs follow a Close frame, and fragments are where they may be (5.4, 5.5.1, 5.5.2)."""
        before = len(self.written)
        self.written += self.end.sent()
        if self.end.connection.output_is_blocked:
            assert sum(frame.opcode == PONG for frame in self.written[before:]) <= 1
        closed = [frame.opcode for frame in self.written].index(CLOSE) if self.has_closed() else None
        assert closed is None or all(frame.opcode == PONG for frame in self.written[closed + 1 :])
        unfinished = False
        for one in self.written:
            if one.opcode < CLOSE:
                assert (one.opcode == CONTINUATION) is unfinished
                unfinished = not one.fin

    @invariant()
    def state_agrees_with_output(self) -> None:
        """The connection is open until a Close frame goes either way, a failure or the end."""
        connection = self.end.connection
        assert not (self.has_closed() and connection.state is State.OPEN)
        assert connection.state is not State.CONNECTING
        self.over = (
            connection.state is State.CLOSED
            or connection.lifecycle.failed
            or (connection.close_exception.received is not None)
        )


TestAnyConduct = AnyConduct.TestCase


@pytest.mark.parametrize(
    "limits, frames, reason",
    [
        ({"message": 10}, [11], "message with 11 bytes exceeds the limit of 10 bytes"),
        ({"message": 10}, [6, 5], "message exceeds the limit of 10 bytes"),
        ({"message": 10, "frame": 5}, [6], "frame with 6 bytes exceeds the limit of 5 bytes"),
        ({"message": None, "frame": 5}, [5, 6], "frame with 6 bytes exceeds the limit of 5 bytes"),
    ],
)
def test_limit_is_told(side: Side, limits: dict[str, int | None], frames: list[int], reason: str) -> None:
    """What is too big, and how big it may be, is told; not how much room was left."""
    end = End(side, limits=Limits(**limits))  # type: ignore[arg-type]
    for at, size in enumerate(frames):
        end.receive(end.frame(0 if at else BINARY, b"x" * size, fin=False))

    assert end.close_sent() == Close(1009, reason)


def test_only_compression_may_grow(side: Side) -> None:
    """Where compression is agreed, a message without it is held to the limit by its head all the same."""
    for rsv, most in ((0, 100), (RSV1, 100 + 100 // 7 + 16)):
        for length in (most, most + 1):
            end = End(side, limits=Limits(message=100), extension=deflated(side))
            # All but the payload.
            end.receive(end.frame(BINARY, bytes(length), rsv=rsv)[:-length])

            assert len(end.sent()) == length - most
