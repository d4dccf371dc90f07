"""How messages are shown: laid out, in columns, and never as commands to the terminal."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.cli.display import DEEPEST, Display, hexdump, json_pieces, size_of, visible

LAID_OUT = """\
{
    "b": 1.0e5,
    "a": [],
    "c": {},
    "a": [
      -0,
      "\\u4f60",
      {
        "x": null
      }
    ]
  }"""


def laid_out(text: str) -> str | None:
    """Return JSON laid out, without colours."""
    pieces = json_pieces(text)
    return None if pieces is None else "".join(piece for _, piece in pieces)


def test_json_is_laid_out() -> None:
    """Order, repeated keys, digits and escapes stay as they came; what is empty stays together."""
    text = '{"b":1.0e5,"a":[],"c":{},"a":[-0,"\\u4f60",{"x":null}]}'

    assert Display(is_json=True).content(text) == LAID_OUT
    assert Display().content(text) == text


@pytest.mark.parametrize("text", ["", "{bad", "[NaN]", "[1,]", "'x'", "[" * 100_000, "[" * 33 + "]" * 33])
def test_other_text_stays(text: str) -> None:
    """What isn't JSON, or is too deep to be laid out, is shown as it came."""
    assert json_pieces(text) is None
    assert Display(is_json=True).content(text) == text


def test_deep_json_is_bounded() -> None:
    """The deepest that is laid out has an indentation that can't make much of little."""
    assert laid_out("[" * DEEPEST + "]" * DEEPEST) is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_layout_keeps_the_value(value: object) -> None:
    """JSON that was laid out means the same, and nothing but white space was added."""
    text = json.dumps(value, ensure_ascii=False)
    result = laid_out(text)

    assert result is not None
    assert json.loads(result) == value
    assert re.sub(r"\s", "", result) == re.sub(r"\s", "", text)


def test_json_has_colours() -> None:
    """Keys, strings, numbers and literals differ; without colours there is no escape."""
    painted = Display(is_json=True, is_coloured=True).content('{"k":["s",1,true]}')

    assert [code for code, _ in re.findall(r"\x1b\[([1-9]\d*)m([^\x1b]+)", painted)] == [
        "34",
        "32",
        "33",
        "35",
    ]
    assert "\x1b" not in Display(is_json=True).content('{"k":["s",1,true]}')


def test_controls_are_made_visible() -> None:
    """What could move the cursor, or turn text around, is shown as its code."""
    assert visible("a\x1b[2Jb\x07c\u202ed\x9b\u2028") == r"a\x1b[2Jb\x07c\u202ed\x9b\u2028"
    assert visible("\tline\r\nnext\n") == "\tline\nnext\n"
    assert visible("再见\u3000👩\u200d🚀 é") == "再见\u3000👩\u200d🚀 é"
    assert visible("\r over") == r"\x0d over"


@given(st.text(st.characters(max_codepoint=0x2FF)))
def test_nothing_commands_terminals(text: str) -> None:
    """Of no text does a control reach the terminal."""
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", Display().message(text))


def test_lines_cannot_be_forged() -> None:
    """A message's further lines are indented: none passes for a line of ours."""
    assert Display().message("one\n· closed\n< two") == "< one\n  · closed\n  < two"
    assert Display().notice("x\x1by") == r"· x\x1by"
    assert Display().complaint("no") == "! no"


def test_bytes_are_in_columns() -> None:
    """Bytes stand beside their ASCII, as many as fit; how many are left out is told."""
    assert list(hexdump(bytes(range(40, 58)), 100)) == [
        "00000000  28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37  |()*+,-./01234567|",
        "00000010  38 39                                            |89|",
    ]
    assert list(hexdump(b"\x00\x7f\xff abcdef", 8, columns=50)) == [
        "00000000  00 7f ff 20 61 62 63 64  |... abcd|",
        "… and 2 bytes more: --show 10 shows all",
    ]
    assert list(hexdump(b"12345", 9, columns=20)) == [
        "00000000  31 32 33 34  |1234|",
        "00000004  35           |5|",
    ]


@pytest.mark.parametrize("columns", [31, 46, 77, 80, 200])
def test_columns_fit_terminals(columns: int) -> None:
    """No line is wider than the terminal, from 31 columns on."""
    shown = Display(columns=columns).content(bytes(100))

    assert max(len(line) for line in shown.split("\n")) <= columns


def test_sizes_are_said() -> None:
    """The number of bytes is said in words; an empty message is named so."""
    assert [size_of(b"1"), size_of(bytes(1234))] == ["1 byte", "1,234 bytes"]
    assert Display().content(b"") == "binary, empty"
    assert Display(most=1).message(b"ab") == (
        "< binary, 2 bytes\n  00000000  61                                               |a|\n"
        "  … and 1 byte more: --show 2 shows all"
    )
