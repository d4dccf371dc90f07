"""Where `websockets` and `wsproto` read frames in another way than we do, and why: the table.

A difference is told by the first frame after which the outcomes differ.  What comes after it isn't compared.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fullduplex.close import Close, may_be_sent
from fullduplex.protocol.events import Binary, CloseReceived, Event, Pong

from ..protocol.wire import BINARY, CLOSE, CONTINUATION, PING, RSV1, TEXT
from .scripts import Writer, final_block
from .twins import Outcome, Sent, Setting, Twin, Websockets, Wsproto

DEFLATE = Setting(deflate=True)
FINAL = Sent(BINARY, final_block(b"final"), rsv=RSV1)
#: Bytes that DEFLATE can only store, nearly as many as the limit.
NOISE = random.Random(1).randbytes(198)


class Case(NamedTuple):
    """A script up to the frame after which two outcomes differ."""

    setting: Setting
    script: Sequence[Sent]
    ours: Outcome
    theirs: Outcome

    @property
    def codes(self) -> tuple[int | None, int | None]:
        """The close codes that we and they wrote."""
        return self.ours.close_code, self.theirs.close_code

    @property
    def last(self) -> Sent:
        """The frame that tells them apart."""
        return self.script[-1]

    @property
    def before(self) -> list[Sent]:
        """The frames before the last one of the message that isn't whole yet."""
        message: list[Sent] = []
        for frame in self.script[:-1]:
            if frame.is_data:
                message = [frame] if frame.opcode != CONTINUATION else [*message, frame]
                if frame.fin:
                    message = []
        return message

    @property
    def message(self) -> list[Sent]:
        """The frames so far of the message that the last one belongs to."""
        if not self.last.is_data:
            return []
        return [self.last] if self.last.opcode != CONTINUATION else [*self.before, self.last]

    @property
    def is_compressed(self) -> bool:
        """Whether that message is compressed."""
        return self.setting.deflate and bool(self.message) and bool(self.message[0].rsv & RSV1)

    @property
    def claimed(self) -> int:
        """The length that the last frame's head claims."""
        return len(self.last.payload) if self.last.length is None else self.last.length

    @property
    def ends_message(self) -> bool:
        """Whether the last frame came whole and ends its message."""
        return self.last.fin and self.claimed == len(self.last.payload)


class Difference(NamedTuple):
    """One thing that another implementation does in another way."""

    name: str
    twin: type[Twin]
    #: Who is right or stricter, and by which clause (a bare number is of RFC 6455).
    reason: str
    applies: Callable[[Case], bool]
    example: tuple[Setting, list[Sent]]
    #: The close code, and the last event, that we make of the example; and they.
    ours: tuple[int | None, Event | None]
    theirs: tuple[int | None, Event | None]


def text_is_checked_late(case: Case) -> bool:
    """Tell whether we failed a text that isn't UTF-8 before it was whole, and they didn't yet."""
    return case.codes == (1007, None) and case.message[:1] != [] and not case.ends_message


def had_final_block(case: Case) -> bool:
    """Tell whether an inflater that nobody renews would be at its end before the last frame, or within it."""
    inflate = zlib.decompressobj(-15)
    compressed = False
    for frame in case.script:
        if not frame.is_data:
            continue
        if frame.opcode != CONTINUATION:
            compressed = bool(frame.rsv & RSV1)
        if compressed:
            try:
                inflate.decompress(frame.payload + (b"\0\0\xff\xff" if frame.fin else b""))
            except zlib.error:
                return False
            if inflate.eof:
                return True
        if frame.fin and not case.setting.takeover:
            inflate = zlib.decompressobj(-15)
    return False


def had_empty_compressed(case: Case) -> bool:
    """Tell whether a compressed message so far had no payload at all."""
    message: list[Sent] = []
    for frame in case.script:
        if frame.is_data:
            message = [frame] if frame.opcode != CONTINUATION else [*message, frame]
            if frame.fin and message[0].rsv & RSV1 and not any(part.payload for part in message):
                return True
    return False


def had_control_in_compressed(case: Case) -> bool:
    """Tell whether a control frame came between the fragments of a compressed message."""
    inside = False
    for frame in case.script:
        if frame.is_data:
            starts = frame.opcode != CONTINUATION and bool(frame.rsv & RSV1)
            inside = (inside or starts) and not frame.fin
        elif inside:
            return True
    return False


def close_parts(frame: Sent) -> tuple[int, bytes]:
    """Return code and reason of a Close frame; code 0 if it has none."""
    if frame.opcode != CLOSE or len(frame.payload) < 2:
        return 0, b""
    return int.from_bytes(frame.payload[:2], "big"), frame.payload[2:]


def is_shortest(frame: Sent, length: int) -> bool:
    """Tell whether a frame's length is in its shortest form."""
    return frame.size is None or frame.size == (0 if length < 126 else 2 if length < 65_536 else 8)


def _has_bad_order(case: Case) -> bool:
    return case.last.is_data and (case.last.opcode == CONTINUATION) is not bool(case.before)


def _compressed(*pieces: bytes) -> list[Sent]:
    return Writer(DEFLATE).message(BINARY, list(pieces), compress=True)


DIFFERENCES = [
    Difference(
        "corrupt data is a broken rule",
        Websockets,
        "We close with 1007, as for other payload that is not what it says (7.4.1), they with 1002;"
        " RFC 7692 names no code.",
        lambda case: case.codes == (1007, 1002) and case.is_compressed,
        (DEFLATE, [Sent(BINARY, b"\xff\xff\xff", rsv=RSV1)]),
        (1007, None),
        (1002, None),
    ),
    Difference(
        "text is checked when it is whole",
        Websockets,
        "We fail at the first byte that can't be UTF-8; 8.1 wants it failed and doesn't say when.",
        text_is_checked_late,
        (Setting(), [Sent(TEXT, b"\xff", fin=False)]),
        (1007, None),
        (None, None),
    ),
    Difference(
        "a Close frame can't end a fragmented message",
        Websockets,
        "5.4 lets control frames come between fragments, and 5.5.1 has the Close frame answered;"
        " they fail with 1002.",
        lambda case: (
            case.last.opcode == CLOSE
            and bool(case.before)
            and case.theirs.close_code == 1002
            and case.ours.close_code != 1002
        ),
        (Setting(), [Sent(TEXT, b"a", fin=False), Sent(CLOSE, b"\x03\xe8")]),
        (1000, CloseReceived(Close(1000))),
        (1002, None),
    ),
    Difference(
        "the limit is looked at first",
        Websockets,
        "A frame breaks a rule and is over the limit: 1002 of us (5.2, 5.5), as its head is wrong"
        " whatever the limit; 1009 of them.",
        lambda case: case.codes == (1002, 1009) and case.claimed > 125,
        (Setting(), [Sent(BINARY, size=8, length=2**63)]),
        (1002, None),
        (1009, None),
    ),
    Difference(
        "corrupt data over the limit",
        Websockets,
        "Data that can't be inflated, in a frame over the limit for messages: we inflate first, as"
        " compressed data may be longer than the message, and find it corrupt.",
        lambda case: (
            case.codes == (1007, 1009) and case.is_compressed and case.claimed > case.setting.limit // 2
        ),
        (DEFLATE, [Sent(BINARY, b"x" * 201, rsv=RSV1)]),
        (1007, None),
        (1009, None),
    ),
    Difference(
        "the limit holds for compressed bytes",
        Websockets,
        "The limit is of the message after decompression (10.4, RFC 7692 8); what DEFLATE can only"
        " store is longer on the wire.",
        lambda case: case.codes == (None, 1009) and case.is_compressed and case.ends_message,
        (DEFLATE, _compressed(NOISE)),
        (None, Binary(NOISE)),
        (1009, None),
    ),
    Difference(
        "the limit holds for control frames",
        Websockets,
        "What a message may still have says nothing of a ping among its fragments (5.4, 5.5).",
        lambda case: (
            case.theirs.close_code == 1009
            and case.ours.close_code != 1009
            and not case.last.is_data
            and bool(case.before)
            and case.claimed <= 125
        ),
        (Setting(), [Sent(BINARY, b"x" * 199, fin=False), Sent(10, b"pong")]),
        (None, Pong(b"pong")),
        (1009, None),
    ),
    Difference(
        "a close reason is looked at before its code",
        Websockets,
        "A forbidden code (7.4) with a reason that isn't UTF-8 (8.1) breaks two rules; either code will do.",
        lambda case: case.codes == (1002, 1007) and not may_be_sent(close_parts(case.last)[0]),
        (Setting(), [Sent(CLOSE, b"\x03\xe7\xff")]),
        (1002, None),
        (1007, None),
    ),
    Difference(
        "rules are looked at when the payload is there",
        Websockets,
        "We refuse reserved bits and long control frames from the head (5.2, 5.5), before a payload"
        " that may never come.",
        lambda case: case.codes == (1002, None) and case.claimed > len(case.last.payload),
        (Setting(), [Sent(PING, length=126)]),
        (1002, None),
        (None, None),
    ),
    Difference(
        "nothing follows a final block",
        Websockets,
        "RFC 7692 7.2.3.4 permits final blocks; after one, every later message of theirs comes out empty.",
        had_final_block,
        (DEFLATE, [FINAL, FINAL]),
        (None, Binary(b"final")),
        (None, Binary(b"")),
    ),
    Difference(
        "an empty payload spoils what follows",
        Websockets,
        "RFC 7692 7.2.3.6 has an empty message sent as an empty block. Of nothing at all we make an empty"
        " message; they add 7.2.2's four bytes, which begin a block, and lose the next message.",
        had_empty_compressed,
        (DEFLATE, [Sent(BINARY, rsv=RSV1), Sent(BINARY, b"\0", rsv=RSV1)]),
        (None, Binary(b"")),
        (None, Binary(b"\0\0\xff\xff")),
    ),
    Difference(
        "there is no limit",
        Wsproto,
        "They leave the limit that 10.4 advises to those who use them.",
        lambda case: (
            case.ours.close_code == 1009
            and case.theirs.close_code is None
            and (case.claimed > case.setting.limit // 2 or bool(case.before))
        ),
        (Setting(), [Sent(BINARY, b"x" * 201)]),
        (1009, None),
        (None, Binary(b"x" * 201)),
    ),
    Difference(
        "lengths must be in their shortest form",
        Wsproto,
        "5.2 wants it of who sends; they refuse what we read.",
        lambda case: (
            not is_shortest(case.last, case.claimed)
            and case.theirs.close_code == 1002
            and case.ours.close_code != 1002
        ),
        (Setting(), [Sent(BINARY, b"x", size=2)]),
        (None, Binary(b"x")),
        (1002, None),
    ),
    Difference(
        "a control frame ends the compression of a message",
        Wsproto,
        "5.4 lets control frames come between fragments, and RSV1 of the first says that all are compressed"
        " (RFC 7692 6); they take those after a ping as they are.",
        had_control_in_compressed,
        (DEFLATE, [_compressed(b"a", b"b")[0], Sent(10), _compressed(b"a", b"b")[1]]),
        (None, Binary(b"ab")),
        (None, Binary(b"a" + _compressed(b"a", b"b")[1].payload)),
    ),
    Difference(
        "close code 1014 is unknown",
        Wsproto,
        "It was registered after the RFC (7.4.2, 11.7); what isn't known of the range may not be used.",
        lambda case: close_parts(case.last)[0] == 1014 and case.theirs.close_code == 1002,
        (Setting(), [Sent(CLOSE, b"\x03\xf6")]),
        (1014, CloseReceived(Close(1014))),
        (1002, None),
    ),
    Difference(
        "a surrogate is found at its third byte",
        Wsproto,
        "Two bytes of it are enough to know (8.1, RFC 3629 3), so we fail sooner.",
        text_is_checked_late,
        (Setting(), [Sent(TEXT, b"\xed\xa0", fin=False)]),
        (1007, None),
        (None, None),
    ),
    Difference(
        "a message after a final block is corrupt",
        Wsproto,
        "RFC 7692 7.2.3.4 permits final blocks; after one they can inflate nothing more.",
        had_final_block,
        (DEFLATE, [FINAL, FINAL]),
        (None, Binary(b"final")),
        (1007, Binary(b"final")),
    ),
    Difference(
        "an empty payload spoils what follows",
        Wsproto,
        "RFC 7692 7.2.3.6 has an empty message sent as an empty block. Of nothing at all we make an empty"
        " message; they add 7.2.2's four bytes, which begin a block, and lose the next message.",
        had_empty_compressed,
        (DEFLATE, [Sent(BINARY, rsv=RSV1), Sent(BINARY, b"\0", rsv=RSV1)]),
        (None, Binary(b"")),
        (None, Binary(b"\0\0\xff\xff")),
    ),
    Difference(
        "payload is inflated before the order of frames is looked at",
        Wsproto,
        "A frame that breaks 5.4 is also corrupt: 1002 of us, from its head; 1007 of them.",
        lambda case: case.codes == (1002, 1007) and case.setting.deflate and _has_bad_order(case),
        (DEFLATE, [_compressed(b"a", b"b")[0], Sent(BINARY, b"\xff\xff\xff")]),
        (1002, None),
        (1007, None),
    ),
]


def explain(twin: type[Twin], case: Case) -> list[Difference]:
    """Return the differences that account for a case."""
    return [each for each in DIFFERENCES if each.twin is twin and each.applies(case)]


def first_difference(
    setting: Setting, script: Sequence[Sent], ours: Sequence[Outcome], theirs: Sequence[Outcome]
) -> Case | None:
    """Return the case that two rows of outcomes, one for each frame, first differ in."""
    for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if one != other:
            return Case(setting, script[: at + 1], one, other)
    return None
