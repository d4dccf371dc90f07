"""Random scripts: what a peer may send in a row, mostly by the rules and sometimes against them."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from fullduplex.protocol.states import Side

from ..protocol.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, RSV2, RSV3, TEXT
from .twins import Sent, Setting

TEXTS = st.text(st.sampled_from("aé你𝄞"), max_size=30)
#: Not UTF-8: a stray byte, an overlong form, a surrogate, beyond the last character, an unfinished one.
BAD_TEXT = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9d\x84"]
CODES = [999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1010, 1012, 1013, 1014, 1015]
CODES += [1016, 2000, 2999, 3000, 4999, 5000, 65535]
SMALL = st.binary(max_size=8)

SETTINGS = st.builds(
    Setting, side=st.sampled_from(Side), deflate=st.booleans(), takeover=st.booleans(), limit=st.just(200)
)


class Writer:
    """A peer that keeps the rules, with the compression of one connection."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.deflate = zlib.compressobj(9, zlib.DEFLATED, -15)

    def compressed(self, pieces: list[bytes]) -> list[bytes]:
        """Compress a message, piece by piece (RFC 7692 7.2.1)."""
        if not self.setting.takeover:
            self.deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        out = [self.deflate.compress(piece) + self.deflate.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
        # With nothing to flush, an empty block stands for an empty message (7.2.3.6).
        return [*out[:-1], out[-1].removesuffix(b"\0\0\xff\xff") or b"\0"]

    def message(self, opcode: int, pieces: list[bytes], *, compress: bool) -> list[Sent]:
        """Return the frames of one message."""
        rsv = RSV1 if compress else 0
        last = len(pieces) - 1
        return [
            Sent(CONTINUATION if at else opcode, piece, at == last, 0 if at else rsv)
            for at, piece in enumerate(self.compressed(pieces) if compress else pieces)
        ]


@st.composite
def controls(draw: Callable[..., Any]) -> Sent:
    """Draw a ping or a pong."""
    return Sent(draw(st.sampled_from([PING, PONG])), draw(st.one_of(SMALL, st.just(b"x" * 125))))


@st.composite
def closes(draw: Callable[..., Any]) -> Sent:
    """Draw a Close frame, with any code and reason."""
    code = draw(st.sampled_from(CODES)).to_bytes(2, "big")
    reason = draw(st.one_of(st.sampled_from([b"", b"bye", *BAD_TEXT]), TEXTS.map(str.encode)))
    return Sent(CLOSE, draw(st.sampled_from([b"", b"\x03", code, code + reason]))[:125])


@st.composite
def messages(draw: Callable[..., Any], writer: Writer) -> list[Sent]:
    """Draw a message in up to four fragments, cut between any two bytes, with control frames among them."""
    is_text = draw(st.booleans())
    data = draw(TEXTS).encode() if is_text else draw(st.binary(max_size=120))
    data = draw(st.sampled_from([data, data * 2, *(data + bad + b"a" for bad in BAD_TEXT)]))
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
    edges = [0, *places, len(data)]
    pieces = [data[start:stop] for start, stop in itertools.pairwise(edges)]
    compress = writer.setting.deflate and draw(st.booleans())
    frames = writer.message(TEXT if is_text else BINARY, pieces, compress=compress)
    for _ in range(draw(st.integers(0, 2))):
        frames.insert(draw(st.integers(0, len(frames))), draw(controls()))
    return frames


@st.composite
def oddities(draw: Callable[..., Any]) -> Sent:
    """Draw a frame that has little to do with the rules."""
    known = [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]
    return Sent(
        draw(st.one_of(st.sampled_from(known), st.sampled_from(known), st.integers(0, 15))),
        draw(st.one_of(SMALL, SMALL, st.sampled_from([b"x" * 126, b"x" * 201]))),
        draw(st.sampled_from([True, True, False])),
        draw(st.sampled_from([0, 0, RSV1, RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3])),
        masks_rightly=draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def spoilt(draw: Callable[..., Any], writer: Writer) -> list[Sent]:
    """Draw a message in which one frame is damaged, lost, doubled, or too long in its length field."""
    frames = draw(messages(writer))
    at = draw(st.integers(0, len(frames) - 1))
    frame = frames[at]
    change = draw(st.sampled_from(["damage", "lose", "double", "lengthen", "cut"]))
    if change == "lose":
        return [*frames[:at], *frames[at + 1 :]]
    if change == "double":
        return [*frames[: at + 1], *frames[at:]]
    if change == "damage":
        frames[at] = frame._replace(payload=draw(SMALL) + frame.payload[8:])
    elif change == "lengthen" and frame.is_data:
        frames[at] = frame._replace(size=draw(st.sampled_from([2, 8])))
    elif change == "cut":
        return frames[:at]
    return frames


@st.composite
def scripts(draw: Callable[..., Any], setting: Setting) -> list[Sent]:
    """Draw what a peer sends."""
    writer = Writer(setting)
    script: list[Sent] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(["message"] * 6 + ["control", "close", "oddity", "oddity", "spoilt", "final"])
        )
        if kind == "message":
            script += draw(messages(writer))
        elif kind == "spoilt":
            script += draw(spoilt(writer))
        elif kind == "final" and setting.deflate:
            script.append(Sent(draw(st.sampled_from([TEXT, BINARY])), final_block(b"final"), rsv=RSV1))
        else:
            script.append(draw({"control": controls, "close": closes}.get(kind, oddities)()))
    return script


def final_block(data: bytes) -> bytes:
    """Compress a message whose last block says that nothing follows (RFC 7692 7.2.3.4)."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush() + b"\0"
