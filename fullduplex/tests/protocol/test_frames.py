"""Frames: what is cut out of a stream, and which rules are checked how early."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fullduplex.protocol.frames as frames_module
from fullduplex.exceptions import PayloadTooBig, RemoteProtocolError
from fullduplex.protocol.frames import FrameReader, Opcode, Piece, masking_key, serialize_frame

from .wire import BINARY, CLOSE, CONTINUATION, KEY, PING, PONG, TEXT, Frame, cut, frame, frames

DATA_OPCODES = [CONTINUATION, TEXT, BINARY]
CONTROL_OPCODES = [CLOSE, PING, PONG]
RESERVED_OPCODES = [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF]


@pytest.fixture(params=[True, False], ids=["masked", "unmasked"])
def masked(request: pytest.FixtureRequest) -> bool:
    """Say whether the peer must mask."""
    masked: bool = request.param
    return masked


@pytest.fixture
def key(masked: bool) -> bytes | None:
    """Give the key with which the peer masks, if it must."""
    return KEY if masked else None


def read(data: bytes, *, masked: bool, rsv: int = 0, room: int | None = None) -> list[Piece]:
    """Return the pieces that a new reader finds in one read."""
    reader = FrameReader(masked=masked, rsv=rsv)
    reader.room = room
    return list(reader.receive(data))


@pytest.mark.parametrize(
    "example, piece",
    [
        ("81 05 48656c6c6f", Piece(Opcode.TEXT, 0, True, b"Hello", True)),
        ("81 85 37fa213d 7f9f4d5158", Piece(Opcode.TEXT, 0, True, b"Hello", True)),
        ("01 03 48656c", Piece(Opcode.TEXT, 0, False, b"Hel", True)),
        ("89 05 48656c6c6f", Piece(Opcode.PING, 0, True, b"Hello", True)),
        ("8a 85 37fa213d 7f9f4d5158", Piece(Opcode.PONG, 0, True, b"Hello", True)),
        ("82 7e 0100" + "aa" * 256, Piece(Opcode.BINARY, 0, True, b"\xaa" * 256, True)),
        (
            "82 7f 0000000000010000" + "aa" * 65_536,
            Piece(Opcode.BINARY, 0, True, b"\xaa" * 65_536, True),
        ),
    ],
)
def test_examples_of_the_rfc(example: str, piece: Piece) -> None:
    """The examples of RFC 6455 are read as it says (5.7)."""
    data = bytes.fromhex(example)

    assert read(data, masked=bool(data[1] & 0x80)) == [piece]


@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 65_537])
def test_every_length_is_read(length: int, masked: bool, key: bytes | None) -> None:
    """Each form of the length is read, with what follows the frame untouched."""
    payload = bytes(range(256)) * 257
    data = frame(BINARY, payload[:length], key=key) + frame(PING, b"next", key=key)

    pieces = read(data, masked=masked)

    assert [piece.payload for piece in pieces] == [payload[:length], b"next"]


@pytest.mark.parametrize("length", [0, 5, 126, 65_536])
def test_head_may_be_cut_anywhere(length: int, masked: bool, key: bytes | None) -> None:
    """A head that comes byte by byte, whatever its length, is read like one that comes whole."""
    data = frame(BINARY, b"x" * length, key=key)
    head = len(data) - length
    reader = FrameReader(masked=masked)

    found = [list(reader.receive(data[at : at + 1])) for at in range(head - 1)]
    assert found == [[]] * (head - 1)
    assert list(reader.receive(data[head - 1 :])) == [Piece(Opcode.BINARY, 0, True, b"x" * length, True)]


@pytest.mark.parametrize("length, size", [(0, 2), (5, 2), (125, 2), (0, 8), (5, 8), (126, 8), (65_535, 8)])
def test_long_forms_keep_step(length: int, size: int, masked: bool, key: bytes | None) -> None:
    """A length that isn't in its shortest form is read for what it says."""
    data = frame(TEXT, b"x" * length, key=key, size=size) + frame(PING, b"next", key=key)

    assert [len(piece.payload) for piece in read(data, masked=masked)] == [length, 4]


def test_data_passes_as_it_arrives(masked: bool, key: bytes | None) -> None:
    """The payload of a data frame is passed on in the pieces in which it comes, unmasked rightly."""
    data = frame(TEXT, b"0123456789", fin=False, key=key)
    reader = FrameReader(masked=masked)
    head = len(data) - 10

    found = [
        list(reader.receive(part))
        for part in (data[: head + 3], data[head + 3 : head + 8], b"", data[head + 8 :])
    ]

    assert found == [
        [Piece(Opcode.TEXT, 0, False, b"012", False)],
        [Piece(Opcode.TEXT, 0, False, b"34567", False)],
        [],
        [Piece(Opcode.TEXT, 0, False, b"89", True)],
    ]


def test_masking_goes_on_in_next_piece(masked: bool, key: bytes | None) -> None:
    """Wherever the payload is cut, each piece is unmasked from where the one before it ended (5.3)."""
    payload = bytes(range(30))
    for first, second in itertools.product(range(1, 10), repeat=2):
        data = frame(BINARY, payload, key=key)
        head = len(data) - len(payload)
        reader = FrameReader(masked=masked)
        parts = cut(data, [head + first, head + first + second])
        assert b"".join(piece.payload for part in parts for piece in reader.receive(part)) == payload


@pytest.mark.parametrize("opcode", CONTROL_OPCODES)
def test_control_frame_is_one_piece(opcode: int, masked: bool, key: bytes | None) -> None:
    """A control frame waits until it is whole."""
    data = frame(opcode, b"p" * 125, key=key)
    reader = FrameReader(masked=masked)

    assert [list(reader.receive(data[at : at + 1])) for at in range(len(data) - 1)] == [[]] * (len(data) - 1)
    assert list(reader.receive(data[-1:])) == [Piece(Opcode(opcode), 0, True, b"p" * 125, True)]


def test_control_frames_between_fragments(masked: bool, key: bytes | None) -> None:
    """Control frames may come between two fragments (5.4)."""
    data = (
        frame(TEXT, b"a", fin=False, key=key)
        + frame(PING, key=key)
        + frame(CONTINUATION, b"b", fin=False, key=key)
        + frame(PONG, key=key)
        + frame(CONTINUATION, b"c", key=key)
        + frame(BINARY, b"d", key=key)
    )

    assert [int(piece.opcode) for piece in read(data, masked=masked)] == [
        TEXT,
        PING,
        CONTINUATION,
        PONG,
        CONTINUATION,
        BINARY,
    ]


# Rules that are checked from the first byte, or the first two, before a length or a payload is there.


@pytest.mark.parametrize("opcode", RESERVED_OPCODES)
@pytest.mark.parametrize("fin", [0x80, 0])
def test_reserved_opcode_fails_at_once(opcode: int, fin: int, masked: bool) -> None:
    """A reserved opcode fails from the first byte (5.2)."""
    with pytest.raises(RemoteProtocolError, match="reserved opcode") as caught:
        read(bytes([fin | opcode]), masked=masked)
    assert caught.value.close_code == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
@pytest.mark.parametrize("rsv", range(0x10, 0x80, 0x10))
def test_reserved_bits_fail_at_once(opcode: int, rsv: int, masked: bool) -> None:
    """A reserved bit without an agreement on it fails from the first byte, in control frames too (5.2)."""
    with pytest.raises(RemoteProtocolError, match="reserved bits") as caught:
        list(FrameReader(masked=masked).receive(bytes([0x80 | rsv | opcode])))
    assert caught.value.close_code == 1002


@pytest.mark.parametrize(
    "first",
    [
        *(0x80 | rsv | opcode for opcode in (TEXT, BINARY) for rsv in (0x10, 0x20, 0x50, 0x60, 0x70)),
        *(0xC0 | opcode for opcode in CONTROL_OPCODES),
    ],
)
def test_claimed_bit_allows_no_other(first: int, masked: bool) -> None:
    """With RSV1 claimed, other bits still fail, and RSV1 does on a control frame (RFC 7692 6)."""
    with pytest.raises(RemoteProtocolError, match="reserved bits"):
        read(bytes([first]), masked=masked, rsv=0x40)


def test_claimed_bit_is_passed_on(masked: bool, key: bytes | None) -> None:
    """RSV1 is passed on when it is claimed, and isn't there when the peer left it out."""
    data = frame(TEXT, b"a", rsv=0x40, key=key) + frame(TEXT, b"b", key=key)

    assert [piece.rsv for piece in read(data, masked=masked, rsv=0x40)] == [0x40, 0]


def test_claimed_bit_is_for_first_fragment(masked: bool, key: bytes | None) -> None:
    """RSV1 on a continuation frame fails (RFC 7692 6.1)."""
    with pytest.raises(RemoteProtocolError, match="reserved bits"):
        read(frame(TEXT, b"a", fin=False, rsv=0x40, key=key) + b"\xc0", masked=masked, rsv=0x40)


@pytest.mark.parametrize("opcode", CONTROL_OPCODES)
def test_fragmented_control_frame_fails(opcode: int, masked: bool) -> None:
    """A control frame without FIN fails from the first byte (5.5)."""
    with pytest.raises(RemoteProtocolError, match="fragmented control frame"):
        read(bytes([opcode]), masked=masked)


@pytest.mark.parametrize("opcode", CONTROL_OPCODES)
@pytest.mark.parametrize("length", [126, 127])
def test_long_control_frame_fails(opcode: int, length: int, masked: bool) -> None:
    """A control frame over 125 bytes fails from the first two bytes (5.5)."""
    with pytest.raises(RemoteProtocolError, match="over 125 bytes"):
        read(bytes([0x80 | opcode, masked << 7 | length]), masked=masked)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, *CONTROL_OPCODES])
@pytest.mark.parametrize("length", [0, 5, 126, 127])
def test_wrong_masking_fails(opcode: int, length: int, masked: bool) -> None:
    """An unmasked frame of a client, or a masked one of a server, fails from the first two bytes (5.1)."""
    rule = "unmasked client frame" if masked else "masked server frame"
    with pytest.raises(RemoteProtocolError, match=f"^{rule}") as caught:
        read(bytes([0x80 | opcode, (not masked) << 7 | length]), masked=masked)
    assert caught.value.close_code == 1002


@pytest.mark.parametrize("fin", [0x80, 0])
def test_stray_continuation_fails(fin: int, masked: bool, key: bytes | None) -> None:
    """A continuation frame without a message fails, at the beginning and after a whole message (5.4)."""
    for before in (
        b"",
        frame(TEXT, b"whole", key=key),
        frame(TEXT, b"a", fin=False, key=key) + frame(CONTINUATION, b"b", key=key),
        frame(PING, key=key),
    ):
        with pytest.raises(RemoteProtocolError, match="without a message"):
            read(before + bytes([fin]), masked=masked)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_missing_continuation_fails(opcode: int, masked: bool, key: bytes | None) -> None:
    """A new message within a fragmented one fails from its first byte (5.4)."""
    for between in (b"", frame(PING, key=key), frame(CONTINUATION, b"b", fin=False, key=key)):
        with pytest.raises(RemoteProtocolError, match="expected a continuation"):
            read(frame(TEXT, b"a", fin=False, key=key) + between + bytes([0x80 | opcode]), masked=masked)


def test_pieces_before_an_error_are_given(masked: bool, key: bytes | None) -> None:
    """What came whole before a broken frame is passed on."""
    pieces = FrameReader(masked=masked).receive(frame(TEXT, b"sound", key=key) + b"\x83")

    assert next(pieces).payload == b"sound"
    with pytest.raises(RemoteProtocolError):
        next(pieces)


# Lengths.


@pytest.mark.parametrize("length", [2**63, 2**63 + 5, 2**64 - 1])
def test_top_bit_of_length_fails(length: int, masked: bool) -> None:
    """A length with its top bit set fails, as 1002, from the head (5.2)."""
    data = bytes([0x82, masked << 7 | 127]) + length.to_bytes(8, "big")

    for room in (None, 100):
        with pytest.raises(RemoteProtocolError, match="top bit"):
            read(data, masked=masked, room=room)


@pytest.mark.parametrize("length", [101, 125, 126, 65_536, 2**31, 2**32, 2**63 - 1])
def test_claimed_length_is_held_to_room(length: int, masked: bool) -> None:
    """A frame that claims more than there is room for fails before its key or payload."""
    data = frame(BINARY, length=length)
    head = bytes([data[0], masked << 7 | data[1]]) + data[2:]

    with pytest.raises(PayloadTooBig) as caught:
        read(head, masked=masked, room=100)
    assert (caught.value.size, caught.value.limit) == (length, 100)


@pytest.mark.parametrize("rsv, extra, most", [(0, 0, 10), (0x40, 0, 10), (0, 5, 10), (0x40, 5, 15)])
def test_extra_room_is_for_marked(rsv: int, extra: int, most: int, masked: bool, key: bytes | None) -> None:
    """A message marked by an extension's bit may be as much longer as was said, and no other."""
    for length in (most, most + 1):
        reader = FrameReader(masked=masked, rsv=0x40)
        reader.room = 10
        if extra:
            reader.extra_room = extra
        with contextlib.nullcontext() if length == most else pytest.raises(PayloadTooBig):
            assert len(list(reader.receive(frame(BINARY, b"x" * length, rsv=rsv, key=key)))) == 1


@pytest.mark.parametrize("length, size", [(5, None), (10, None), (11, 11)])
def test_error_tells_the_limit(length: int, size: int | None, masked: bool) -> None:
    """What is told is the message's limit, and the length only if it is over that by itself."""
    reader = FrameReader(masked=masked, max_message=10)
    reader.room = 4

    with pytest.raises(PayloadTooBig) as caught:
        list(reader.receive(bytes([0x82, masked << 7 | length])))
    assert (caught.value.size, caught.value.limit) == (size, 10)


def test_room_may_be_filled(masked: bool, key: bytes | None) -> None:
    """A frame of exactly the size that there is room for is read."""
    assert len(read(frame(BINARY, b"x" * 100, key=key), masked=masked, room=100)) == 1


def test_room_changes_between_pieces(masked: bool, key: bytes | None) -> None:
    """What the reader is told after one piece holds for the next, in the same read."""
    data = frame(TEXT, b"12345", fin=False, key=key) + frame(CONTINUATION, b"67890", key=key)
    reader = FrameReader(masked=masked)
    reader.room = 9
    pieces = reader.receive(data)

    assert next(pieces).payload == b"12345"
    reader.room = 4
    with pytest.raises(PayloadTooBig):
        next(pieces)


def test_no_room_is_not_endless_room(masked: bool, key: bytes | None) -> None:
    """With no room left, an empty frame is read and a byte is too much."""
    assert len(read(frame(BINARY, key=key), masked=masked, room=0)) == 1
    with pytest.raises(PayloadTooBig):
        read(frame(BINARY, b"x", key=key), masked=masked, room=0)


@pytest.mark.parametrize("opcode", CONTROL_OPCODES)
def test_control_frames_need_no_room(opcode: int, masked: bool, key: bytes | None) -> None:
    """The limit of messages doesn't count for control frames."""
    assert len(read(frame(opcode, b"p" * 125, key=key), masked=masked, room=0)) == 1


def test_claimed_length_takes_no_memory(masked: bool, key: bytes | None) -> None:
    """Of a frame that claims a lot, only what has come is kept, and that only until it is passed on."""
    reader = FrameReader(masked=masked)
    head = frame(BINARY, length=2**62, key=key)

    assert list(reader.receive(head)) == []
    assert [piece.payload for _ in range(100) for piece in reader.receive(xor_free(masked))] == [
        b"\0" * 1000
    ] * 100
    assert reader._buffer == b""


def xor_free(masked: bool) -> bytes:
    """Return a thousand bytes that are zeros once unmasked."""
    return KEY * 250 if masked else bytes(1000)


# Reading on later.


def test_closed_reader_keeps_the_rest(masked: bool, key: bytes | None) -> None:
    """What a generator that is closed hasn't read, the next one reads first."""
    data = frame(BINARY, b"a", key=key) + frame(PING, b"b", key=key) + frame(BINARY, b"c", key=key)
    reader = FrameReader(masked=masked)
    pieces = reader.receive(data)
    assert next(pieces).payload == b"a"
    pieces.close()
    pieces = reader.receive(frame(PONG, b"d", key=key))
    assert next(pieces).payload == b"b"
    pieces.close()

    assert [piece.payload for piece in reader.receive(b"")] == [b"c", b"d"]
    assert list(reader.receive(b"")) == []
    assert reader._buffer == b""


def test_kept_bytes_come_first(masked: bool, key: bytes | None) -> None:
    """Bytes to be kept are read by the next call, in their order, and are copied."""
    data = bytearray(frame(BINARY, b"kept", key=key) + frame(PING, b"as well", key=key)[:3])
    reader = FrameReader(masked=masked)
    reader.keep(memoryview(data)[:5])
    reader.keep(bytes(data[5:]))
    data[:] = bytes(len(data))

    rest = frame(PING, b"as well", key=key)[3:] + frame(BINARY, b"new", key=key)
    assert [piece.payload for piece in reader.receive(rest)] == [b"kept", b"as well", b"new"]


def test_room_is_asked_for_later(masked: bool, key: bytes | None) -> None:
    """What is kept is held to the room that there is when it is read."""
    reader = FrameReader(masked=masked)
    reader.room = 5
    pieces = reader.receive(frame(BINARY, b"12345", key=key) + frame(BINARY, b"123456", key=key))
    assert next(pieces).payload == b"12345"
    pieces.close()
    reader.room = 6
    assert [piece.payload for piece in reader.receive(b"")] == [b"123456"]

    reader.keep(frame(BINARY, b"123456", key=key))
    reader.room = 5
    with pytest.raises(PayloadTooBig):
        list(reader.receive(b""))


@pytest.mark.parametrize("length", [101, 126, 65_536, 2**63 - 1])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_frames_are_limited(length: int, opcode: int, masked: bool) -> None:
    """A frame over the limit of frames fails from its length, be there room or not, and be it a fragment."""
    data = frame(opcode, length=length, fin=False)
    head = bytes([data[0], masked << 7 | data[1]]) + data[2:]
    for room in (None, 2**62):
        reader = FrameReader(masked=masked, max_frame=100)
        reader.room = room
        with pytest.raises(PayloadTooBig) as caught:
            list(reader.receive(head))
        assert (caught.value.size, caught.value.limit) == (length, 100)


def test_frame_limit_may_be_filled(masked: bool, key: bytes | None) -> None:
    """Any number of frames of exactly the limit pass, and control frames over it."""
    data = (
        frame(BINARY, b"x" * 100, fin=False, key=key)
        + frame(PING, b"p" * 125, key=key)
        + frame(CONTINUATION, b"x" * 100, key=key)
    )

    found = FrameReader(masked=masked, max_frame=100).receive(data)
    assert [len(piece.payload) for piece in found] == [100, 125, 100]


# Any split.


ANY_FRAMES = st.lists(
    st.one_of(
        st.tuples(st.just(BINARY), st.binary(max_size=300)),
        st.tuples(st.sampled_from(CONTROL_OPCODES), st.binary(max_size=125)),
    ),
    max_size=6,
)


@given(
    script=ANY_FRAMES,
    key=st.none() | st.binary(min_size=4, max_size=4),
    places=st.lists(st.integers(1, 800)),
)
def test_split_changes_nothing(script: list[tuple[int, bytes]], key: bytes | None, places: list[int]) -> None:
    """However the bytes are split, the same frames come out."""
    data = b"".join(frame(opcode, payload, key=key) for opcode, payload in script)
    reader = FrameReader(masked=key is not None)
    found: list[tuple[int, bytes]] = []
    payload = b""
    for part in cut(data, places):
        for piece in reader.receive(part):
            payload += piece.payload
            if piece.ends_frame:
                found.append((int(piece.opcode), payload))
                payload = b""

    assert found == script
    assert payload == b""


@given(
    script=ANY_FRAMES,
    key=st.none() | st.binary(min_size=4, max_size=4),
    places=st.lists(st.integers(1, 800)),
    breaks=st.lists(st.integers(0, 3), min_size=1),
)
def test_breaks_change_nothing(
    script: list[tuple[int, bytes]], key: bytes | None, places: list[int], breaks: list[int]
) -> None:
    """Whenever generators are closed, the next ones give the same pieces that one would have given."""
    data = b"".join(frame(opcode, payload, key=key) for opcode, payload in script)
    parts = cut(data, places)
    whole, broken = (FrameReader(masked=key is not None) for _ in range(2))
    expected = [piece for part in parts for piece in whole.receive(part)]
    found: list[Piece] = []
    turn = itertools.cycle(breaks)
    for part in parts:
        pieces = broken.receive(part)
        while (count := next(turn)) and (some := list(itertools.islice(pieces, count))):
            found += some
            pieces.close()
            pieces = broken.receive(b"")
        found += pieces

    assert found == expected


def test_input_may_be_any_buffer(masked: bool, key: bytes | None) -> None:
    """Bytes, bytearrays and views are read alike, and may be changed once they were read."""
    data = bytearray(frame(BINARY, b"payload", key=key) + frame(PING, b"ping", key=key))
    reader = FrameReader(masked=masked)

    pieces = list(reader.receive(memoryview(data)[:-2]))
    rest = bytes(data[-2:])
    data[:] = bytes(len(data))
    pieces += reader.receive(bytearray(rest))

    assert [piece.payload for piece in pieces] == [b"payload", b"ping"]


# Writing.


@given(
    opcode=st.sampled_from(list(Opcode)),
    payload=st.binary(max_size=300),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0x40]),
    masked=st.booleans(),
)
def test_frame_round_trip(opcode: Opcode, payload: bytes, fin: bool, rsv: int, masked: bool) -> None:
    """A frame that was written reads as what it was made of."""
    data = serialize_frame(opcode, payload, fin=fin, rsv=rsv, masked=masked)

    assert frames(data, masked=masked) == [Frame(opcode, payload, fin, rsv)]


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("readable", [bytes, bytearray, memoryview])
def test_unmasked_frame_is_exact(length: int, readable: type) -> None:
    """A server's frame is its head in shortest form and the payload, of whatever buffer."""
    payload = bytes(range(256)) * 256

    data = serialize_frame(Opcode.BINARY, readable(payload[:length]), fin=True, rsv=0, masked=False)

    assert data == frame(BINARY, payload[:length])


def test_masking_keys_are_random() -> None:
    """No key comes twice in a row of thousands, as a counter's or a constant's would be foreseen (10.3)."""
    keys = [masking_key() for _ in range(5000)]

    assert {len(key) for key in keys} == {4}
    # Of 5000 random 32-bit numbers, two agree in three of a thousand runs; ten never do.
    assert len(set(keys)) > 4990
    assert all(len({key[at] for key in keys}) == 256 for at in range(4))


def test_masking_keys_are_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are the bytes of the system's random source, each used once."""
    pages = [os.urandom(4096) for _ in range(3)]
    given_out = iter(pages)
    monkeypatch.setattr("fullduplex.protocol.frames.os.urandom", lambda size: next(given_out)[:size])
    while masking_key() != pages[0][:4]:
        """Use up the keys that other tests left over."""

    keys = [pages[0][:4]] + [masking_key() for _ in range(3 * 1024 - 1)]

    assert b"".join(keys) == b"".join(pages)


def test_dropped_keys_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child does to the keys of its parent: they are forgotten, and the system is asked for others."""
    given_out = iter([b"\x01" * 4096, b"\x02" * 4096])
    monkeypatch.setattr("fullduplex.protocol.frames.os.urandom", lambda size: next(given_out)[:size])
    pool = frames_module._KeyPool()
    assert pool.take() == pool.take() == b"\x01" * 4
    pool._drop()

    assert pool.take() == b"\x02" * 4


def test_keys_need_no_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without children of that kind has keys as well."""
    monkeypatch.delattr("os.register_at_fork", raising=False)
    pool = frames_module._KeyPool()

    assert len({pool.take() for _ in range(3)}) == 3


def test_child_has_its_own_keys() -> None:
    """A forked child doesn't use the keys that its parent uses."""
    program = """
import os
from fullduplex.protocol.frames import masking_key
masking_key()
reader, writer = os.pipe()
if not os.fork():
    os.write(writer, b"".join(masking_key() for _ in range(8)))
    os._exit(0)
os.wait()
print(os.read(reader, 32) != b"".join(masking_key() for _ in range(8)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "True"
