"""A message that goes to many: one frame for each kind of connection."""

from __future__ import annotations

import pytest

from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.prepared import Prepared
from fullduplex.protocol.states import Side

from .wire import BINARY, RSV1, TEXT, Frame, deflated, frames


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("data", [b"", b"Hello", b"x" * 70_000])
@pytest.mark.parametrize("readable", [bytes, bytearray, memoryview])
def test_frame_holds_message(opcode: Opcode, data: bytes, readable: type) -> None:
    """Without compression, the frame is the whole message, unmasked (5.6)."""
    prepared = Prepared(opcode, readable(data))

    assert frames(prepared.frame(None), masked=False) == [Frame(opcode, data)]


def test_compressed_frame_is_marked() -> None:
    """With compression, the frame has RSV1 and what inflates to the message (RFC 7692 6)."""
    prepared = Prepared(Opcode.TEXT, b"Hello")

    assert frames(prepared.frame(deflated(Side.SERVER)), masked=False) == [
        Frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=RSV1)
    ]


def test_frame_is_made_once() -> None:
    """Connections that compress alike, or not at all, get the same bytes object, others another."""
    prepared = Prepared(Opcode.BINARY, b"x" * 1000)
    plain, full, narrow = (
        prepared.frame(extension)
        for extension in (None, deflated(Side.SERVER), deflated(Side.SERVER, local_bits=9))
    )

    assert prepared.frame(None) is plain
    assert prepared.frame(deflated(Side.SERVER, remote_bits=8, remote_no_takeover=True)) is full
    assert prepared.frame(deflated(Side.SERVER, local_bits=9)) is narrow
    assert len({id(one) for one in (plain, full, narrow)}) == 3
    assert {one.opcode for frame in (plain, full, narrow) for one in frames(frame, masked=False)} == {BINARY}


@pytest.mark.parametrize("compress", [None, True, False])
def test_wish_is_kept(compress: bool | None) -> None:
    """Whether to compress is kept for the connection, which decides."""
    assert Prepared(Opcode.TEXT, b"", compress).compress is compress
    assert Prepared(Opcode.TEXT, b"").compress is None
