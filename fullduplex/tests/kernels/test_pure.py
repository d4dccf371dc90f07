"""The inner loops, against definitions that look at one byte after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fullduplex.kernels import pure

READABLE: list[Callable[[bytes], pure.ReadableBuffer]] = [bytes, bytearray, memoryview]

# RFC 3629 4: for each range of first bytes, the range of the second, and how many follow it.
FIRST_BYTES = [
    (range(0xC2, 0xE0), range(0x80, 0xC0), 0),
    (range(0xE0, 0xE1), range(0xA0, 0xC0), 1),
    (range(0xE1, 0xED), range(0x80, 0xC0), 1),
    (range(0xED, 0xEE), range(0x80, 0xA0), 1),
    (range(0xEE, 0xF0), range(0x80, 0xC0), 1),
    (range(0xF0, 0xF1), range(0x90, 0xC0), 2),
    (range(0xF1, 0xF4), range(0x80, 0xC0), 2),
    (range(0xF4, 0xF5), range(0x80, 0x90), 2),
]


def expected_after(first: int) -> list[range] | None:
    """Return what may follow a first byte, or None if it can't be one."""
    if first < 0x80:
        return []
    for firsts, second, more in FIRST_BYTES:
        if first in firsts:
            return [second] + [range(0x80, 0xC0)] * more
    return None


def naive_utf8_prefix(data: bytes, final: bool) -> int | None:
    """Return the length of the whole characters in ``data``, or None if it is invalid."""
    prefix = 0
    expected: list[range] = []
    for at, byte in enumerate(data):
        if expected:
            if byte not in expected.pop(0):
                return None
        else:
            after = expected_after(byte)
            if after is None:
                return None
            expected = after
        if not expected:
            prefix = at + 1
    return None if final and expected else prefix


def utf8_prefix(data: pure.ReadableBuffer, final: bool) -> int | None:
    """Call the kernel, with None for its exception."""
    try:
        return pure.utf8_prefix(data, final)
    except UnicodeDecodeError:
        return None


@given(data=st.binary(max_size=300), key=st.binary(min_size=4, max_size=4))
def test_mask_is_exclusive_or(data: bytes, key: bytes) -> None:
    """Each byte is exclusive-ored with the key's byte at its index modulo 4 (5.3)."""
    masked = pure.apply_mask(data, key)

    assert masked == bytes(byte ^ key[at % 4] for at, byte in enumerate(data))
    assert pure.apply_mask(masked, key) == data


@pytest.mark.parametrize("readable", READABLE)
@pytest.mark.parametrize("size", [*range(70), 125, 126, 65_535, 65_536, 1_000_003])
def test_mask_takes_any_size(size: int, readable: Callable[[bytes], pure.ReadableBuffer]) -> None:
    """Every length and kind of buffer is masked to its end, and not beyond."""
    data = bytes(range(251)) * (size // 251 + 1)

    masked = pure.apply_mask(readable(data[:size]), b"\x01\x80\x00\xff")

    assert masked == bytes(map(int.__xor__, data[:size], itertools.cycle(b"\x01\x80\x00\xff")))


@pytest.mark.parametrize("start", range(9))
def test_mask_takes_any_alignment(start: int) -> None:
    """A view that begins anywhere in a buffer is masked from its own beginning."""
    view = memoryview(bytes(range(200)))[start:]

    assert pure.apply_mask(view, b"\x11\x22\x33\x44") == pure.apply_mask(bytes(view), b"\x11\x22\x33\x44")


@pytest.mark.parametrize(
    "length, expected",
    [
        (0, "81 00"),
        (125, "81 7d"),
        (126, "81 7e 007e"),
        (65_535, "81 7e ffff"),
        (65_536, "81 7f 0000000000010000"),
        (2**63 - 1, "81 7f 7fffffffffffffff"),
    ],
)
def test_head_has_shortest_length(length: int, expected: str) -> None:
    """The length is written in its shortest form, with the mask bit if there is a key (5.2)."""
    head = bytes.fromhex(expected)

    assert pure.frame_head(0x81, length) == head
    assert pure.frame_head(0x81, length, b"abcd") == bytes([head[0], head[1] | 0x80]) + head[2:] + b"abcd"


@pytest.mark.parametrize("first", [0x00, 0x81, 0xC2, 0x88, 0xFF])
def test_head_keeps_first_byte(first: int) -> None:
    """The first byte is written as it is given."""
    assert pure.frame_head(first, 5) == bytes([first, 5])


def test_utf8_of_two_bytes() -> None:
    """Every pair of bytes is judged as RFC 3629 does, with more to come or without."""
    for pair in map(bytes, itertools.product(range(256), repeat=2)):
        assert utf8_prefix(pair, False) == naive_utf8_prefix(pair, False), pair
        assert utf8_prefix(pair, True) == naive_utf8_prefix(pair, True), pair


def test_utf8_of_edges() -> None:
    """Characters at the edge of each rule, and what is cut off them, are judged as RFC 3629 does."""
    edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5]
    for characters in itertools.product([0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4], edges, edges, edges):
        for length in (3, 4):
            data = bytes(characters[:length])
            assert utf8_prefix(data, False) == naive_utf8_prefix(data, False), data
            assert utf8_prefix(data, True) == naive_utf8_prefix(data, True), data


@given(
    data=st.lists(
        st.one_of(
            st.text(max_size=3).map(str.encode),
            st.sampled_from([b"\xed\xa0", b"\xed\x9f", b"\xf4\x90", b"\xe4\xbd", b"\xf0\x9f\x98", b"\x80"]),
        ),
        max_size=6,
    ).map(b"".join),
    final=st.booleans(),
)
@example(data=b"\xed\xa0", final=False)
@example(data=b"", final=True)
def test_utf8_agrees_with_naive(data: bytes, final: bool) -> None:
    """Longer texts, sound and broken, are judged alike, whatever buffer they are in."""
    expected = naive_utf8_prefix(data, final)

    assert [utf8_prefix(readable(data), final) for readable in READABLE] == [expected] * 3


@pytest.mark.parametrize(
    "data", [b"\xed\xa0", b"ab\xed\xbf", b"\xc0", b"\xf5", b"\xe0\x9f", b"\xf0\x8f", b"\xf4\x90", b"a\x80"]
)
def test_utf8_fails_at_first_bad_byte(data: bytes) -> None:
    """What no continuation can make valid fails at once, not when the character is whole."""
    with pytest.raises(UnicodeDecodeError):
        pure.utf8_prefix(data, False)
    assert utf8_prefix(data[:-1], False) is not None


@given(text=st.text(max_size=20), place=st.integers(0, 80))
def test_utf8_prefix_leaves_a_part(text: str, place: int) -> None:
    """Of valid text cut anywhere, all but the begun character is taken, and at most three bytes wait."""
    data = text.encode()[:place]

    prefix = pure.utf8_prefix(data, False)

    assert 0 <= len(data) - prefix <= 3
    assert data[:prefix].decode() == data.decode(errors="ignore")
