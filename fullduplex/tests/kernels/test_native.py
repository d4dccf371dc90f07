"""The native inner loops, against those of ``pure`` and CPython's own decoder."""

from __future__ import annotations

import array
import codecs
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullduplex.kernels import pure

from ..native import native_module

native = native_module("fullduplex.kernels.native")

KEY = b"\x12\x80\x00\xff"
NOISE = bytes(byte * 167 + at & 0xFF for at, byte in enumerate(range(256))) * 2


def outcome(function: Callable[..., Any], *arguments: object) -> object:
    """Return what a call gives, or all that its error tells."""
    try:
        return function(*arguments)
    except UnicodeDecodeError as error:
        return (error.encoding, error.object, error.start, error.end, error.reason)
    except Exception as error:
        return (type(error), str(error))


def agreed(name: str, *arguments: object) -> object:
    """Return what both twins give, or their error, having seen that they agree."""
    expected = outcome(getattr(pure, name), *arguments)

    assert outcome(getattr(native, name), *arguments) == expected
    return expected


def decoded(data: bytes, final: bool) -> int | None:
    """Return how many bytes CPython's decoder takes; None if it refuses them."""
    try:
        return codecs.utf_8_decode(data, "strict", final)[1]
    except UnicodeDecodeError:
        return None


# Masks


def test_mask_of_any_length_and_place() -> None:
    """Wherever in memory it begins and however long it is, data is masked alike."""
    for length, start in itertools.product(range(301), range(16)):
        part = memoryview(NOISE)[start : start + length]
        assert native.apply_mask(part, KEY) == pure.apply_mask(part, KEY), (length, start)


@pytest.mark.parametrize("size", [4095, 65_536, 1_000_003, 5_000_000])
@pytest.mark.parametrize("readable", [bytes, bytearray, memoryview])
def test_mask_of_much(size: int, readable: Callable[[bytes], pure.ReadableBuffer]) -> None:
    """Megabytes are masked alike, in any kind of buffer."""
    data = readable(os.urandom(size))

    assert native.apply_mask(data, KEY) == pure.apply_mask(data, KEY)


@given(data=st.binary(max_size=200), key=st.binary(min_size=4, max_size=4))
def test_mask_agrees_with_pure(data: bytes, key: bytes) -> None:
    """Any data under any key is masked alike, and the key given back by zeros."""
    agreed("apply_mask", data, key)

    assert native.apply_mask(bytes(8), key) == key * 2


@pytest.mark.parametrize(
    "data, key",
    [
        (b"abcdefgh", b""),
        (b"abcdefgh", b"xyz"),
        (b"abcdefgh", b"12345"),
        (b"abcdefgh", bytearray(b"1234")),
        (memoryview(b"abcdefghijkl")[::3], KEY),
        (array.array("I", [1, 2, 3, 4]), KEY),
        (memoryview(b"abcdefgh").cast("H"), KEY),
    ],
    ids=lambda value: type(value).__name__,
)
def test_mask_of_odd_arguments(data: pure.ReadableBuffer, key: bytes) -> None:
    """What isn't plain bytes under four others gives what ``pure`` makes of it."""
    agreed("apply_mask", data, key)


@pytest.mark.parametrize("arguments", [(None, KEY), ("text", KEY), (5, KEY), (b"data", None)])
def test_mask_refuses_by_type(arguments: tuple[object, object]) -> None:
    """What has no bytes is refused with a TypeError, as in ``pure``."""
    with pytest.raises(TypeError):
        pure.apply_mask(*arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        native.apply_mask(*arguments)


def test_buffers_are_let_go() -> None:
    """A bytearray may grow again after each call, also after one that raised."""
    data = bytearray(b"caf\xc3\xa9\xff")

    native.apply_mask(data, KEY)
    native.apply_mask(memoryview(data)[::2], KEY)
    native.utf8_prefix(data[:5], False)
    with pytest.raises(UnicodeDecodeError):
        native.utf8_prefix(data, False)
    data.extend(b"more")

    assert len(data) == 10


@pytest.mark.parametrize("name, rest", [("apply_mask", KEY), ("utf8_prefix", True)])
def test_released_view_is_refused(name: str, rest: object) -> None:
    """A view that was released is refused, and not read."""
    view = memoryview(b"gone")
    view.release()

    assert agreed(name, view, rest) == (ValueError, "operation forbidden on released memoryview object")


# Heads


def test_head_agrees_with_pure() -> None:
    """Each first byte and the lengths where the form changes give the same head, with a key or without."""
    lengths = [0, 1, 124, 125, 126, 127, 255, 256, 65_534, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1]
    for first, length, key in itertools.product(range(256), lengths, [None, KEY]):
        assert native.frame_head(first, length, key) == pure.frame_head(first, length, key)


@pytest.mark.parametrize(
    "arguments",
    [
        (-1, 5),
        (256, 5),
        (2**70, 5),
        (0x81, -1),
        (0x81, 2**63),
        (0x81, 2**64),
        (0x81, -(2**70)),
        (0x81, 5, b""),
        (0x81, 5, b"12345"),
        (0x81, 5, bytearray(b"1234")),
        (True, True),
    ],
    ids=repr,
)
def test_head_of_odd_arguments(arguments: tuple[object, ...]) -> None:
    """Numbers out of range and other keys give what ``pure`` makes of them, errors included."""
    agreed("frame_head", *arguments)


# UTF-8


@settings(max_examples=500)
@given(
    data=st.lists(
        st.one_of(
            st.text(max_size=6).map(str.encode),
            st.text("aé汉😀", min_size=20, max_size=60).map(str.encode),
            st.binary(max_size=3),
            st.sampled_from(
                [b"\xed\xa0", b"\xf4\x90\x80\x80", b"\xe0\x9f\x80", b"\xc1\x80", b"\xf0\x9f\x98"]
            ),
        ),
        max_size=5,
    ).map(b"".join),
    final=st.booleans(),
)
def test_utf8_agrees_with_pure(data: bytes, final: bool) -> None:
    """Texts, sound and broken, cut anywhere, are judged alike, and the errors tell the same."""
    for end in range(len(data) + 1):
        agreed("utf8_prefix", data[:end], final)


@given(data=st.binary(max_size=64))
def test_utf8_agrees_with_decoder(data: bytes) -> None:
    """Of whole texts, exactly those are taken that CPython decodes."""
    taken = outcome(native.utf8_prefix, data, True)

    assert (taken if isinstance(taken, int) else None) == decoded(data, True)


def test_utf8_of_every_character() -> None:
    """Every character is taken whole, wherever it stands among others, and is waited for byte by byte."""
    every = [chr(code) for code in (*range(0xD800), *range(0xE000, 0x110000, 37), 0xE000, 0xFFFF, 0x10FFFF)]
    text = "".join(every).encode()

    assert native.utf8_prefix(text, True) == len(text)
    for character in map(str.encode, every[:: 1 + len(every) // 4000]):
        for end in range(1, len(character)):
            assert native.utf8_prefix(b"abc" + character[:end], False) == 3


@pytest.mark.parametrize(
    "text",
    ["a" * 400, "é" * 200, "汉" * 140, "\u0800\ud7ff\ue000\U00010000\U0010ffff" * 20, "sent 发送 😀" * 25],
)
def test_utf8_of_sound_text_alone(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound text of any length, anywhere in memory and cut anywhere, is taken without asking ``pure``."""
    whole = memoryview(b"abcdefghijkl" + text.encode())
    monkeypatch.delattr(pure, "utf8_prefix")

    for length, start in itertools.product(range(301), range(13)):
        part = whole[start : start + length]
        assert native.utf8_prefix(part, False) == decoded(bytes(part), False), (length, start)


def test_utf8_of_every_four_bytes() -> None:
    """Every first byte with every edge of those after it is judged as ``pure`` does, in any place."""
    edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
    for first in range(0x7F, 0x100):
        for rest in itertools.product(edges, repeat=3):
            data = bytes((first, *rest))
            for pad in (b"", b"more"):
                assert outcome(native.utf8_prefix, data + pad, False) == outcome(
                    pure.utf8_prefix, data + pad, False
                )


def test_utf8_finds_one_bad_byte_anywhere() -> None:
    """One bad byte is found at any length and place, in texts of any alphabet."""
    for text, place in itertools.product(
        [b"a" * 120, "é汉😀".encode() * 12, b"a" * 60 + "汉".encode() * 20], range(105)
    ):
        for bad in (0x80, 0xC0, 0xFF):
            data = text[:place] + bytes([bad]) + text[place:]
            agreed("utf8_prefix", memoryview(data)[place % 7 % (place + 1) :], False)


def test_utf8_of_much() -> None:
    """Megabytes of text are taken whole, up to a character cut in two."""
    data = "发送数据 sent 😀".encode() * 60_000

    assert agreed("utf8_prefix", memoryview(data), True) == len(data)
    assert agreed("utf8_prefix", memoryview(data)[:-1], False) == len(data) - 4


@pytest.mark.parametrize(
    "data",
    [memoryview(b"abcdef")[::2], memoryview(b"abcdefgh").cast("H"), array.array("H", [0x6162]), "a", None],
)
def test_utf8_of_odd_arguments(data: object) -> None:
    """What isn't bytes in a row gives what ``pure`` makes of it, errors included."""
    agreed("utf8_prefix", data, True)


# The choice


@pytest.mark.parametrize("switch, expected", [("0", "False"), ("1", "True"), ("", "True"), (None, "True")])
def test_switch_chooses_build(switch: str | None, expected: str) -> None:
    """FULLDUPLEX_NATIVE is 0 for the pure build; otherwise what is native is used."""
    program = "from fullduplex import kernels; print(kernels.NATIVE, kernels.apply_mask.__module__)"
    environment = {name: value for name, value in os.environ.items() if name != "FULLDUPLEX_NATIVE"}
    if switch is not None:
        environment["FULLDUPLEX_NATIVE"] = switch
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )

    module = "native" if expected == "True" else "pure"
    assert done.stdout.split() == [expected, f"fullduplex.kernels.{module}"]


def test_switch_refuses_to_do_without() -> None:
    """With FULLDUPLEX_NATIVE=1, an interpreter without native modules says what is missing."""
    program = (
        "import sys; sys.modules['fullduplex.kernels.native'] = None\n"
        "try: import fullduplex.kernels\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FULLDUPLEX_NATIVE": "1"},
    )

    assert done.stdout.startswith("FULLDUPLEX_NATIVE is 1, and this fullduplex has no native part")
