"""Where lines are broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import split_graphemes

from hubbub.terminal.wrapping import shorten, width_of, wrap

LINES = st.text(st.sampled_from("ab cd.，。（「书到了👍e\u0301"), max_size=60)


@pytest.mark.parametrize(
    "line, pieces",
    [
        ("", [""]),
        ("it in Chinese only", ["it in ", "Chinese ", "only"]),
        ("书到了，一共四箱", ["书到了，", "一共四箱"]),
        ("书到一共四，箱", ["书到一共", "四，箱"]),
        ("我在二（楼）", ["我在二", "（楼）"]),
        ("看abcdefgh", ["看", "abcdefgh"]),
        ("abcdefghijkl", ["abcdefgh", "ijkl"]),
        ("  indented", ["  ", "indented"]),
    ],
)
def test_lines_are_broken_well(line: str, pieces: list[str]) -> None:
    """Words stay whole, Chinese may break anywhere but before what closes and behind what opens."""
    assert wrap(line, 8) == pieces


@given(LINES, st.integers(2, 20))
def test_nothing_is_lost_or_too_wide(line: str, width: int) -> None:
    """The pieces are the line, and none is wider than asked, spaces at its end aside."""
    pieces = wrap(line, width)

    assert "".join(pieces) == line
    assert all(pieces) or pieces == [""]
    for piece in pieces:
        assert width_of(piece.rstrip(" ")) <= width or len(split_graphemes(piece.rstrip(" "))[0]) == 1


@pytest.mark.parametrize(
    "text, width, shown",
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("你好吗", 5, "你好…"), ("你好", 3, "你…"), ("ab", 0, "")],
)
def test_long_names_are_shortened(text: str, width: int, shown: str) -> None:
    """What doesn't fit ends in a sign, and takes no more than the width."""
    assert shorten(text, width) == shown
