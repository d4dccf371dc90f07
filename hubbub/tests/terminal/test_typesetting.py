"""What a message's blocks look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from hubbub.terminal.markdown import parse
from hubbub.terminal.themes import DARK
from hubbub.terminal.typesetting import Look, typeset

LOOK = Look(DARK, Style(color=DARK.text), {"u_ann": "Ann"})


def lines(text: str, width: int = 40, note: str = "") -> list[str]:
    """Return what the lines of a text say."""
    return [line.plain.rstrip() for line in typeset(parse(text), width, LOOK, note)]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("one\ntwo\n\nthree", ["one", "two", "", "three"]),
        ("# Title\ntext", ["Title", "", "text"]),
        ("> a\n> > b", ["▏ a", "▏", "▏ ▏ b"]),
        ("- a\n- b\n  more", ["• a", "• b", "  more"]),
        ("9. a\n10. b", [" 9. a", "10. b"]),
        ("```\na\n  b\n```", [" a", "   b"]),
        ("---", ["─" * 24]),
        ("|a|b|\n|-|-:|\n|one|2|\n|three|", ["a     │ b", "one   │ 2", "three │"]),
        ("[here](https://example.org)", ["here (https://example.org)"]),
        ("https://example.org", ["https://example.org"]),
        ("<ann@example.org>", ["ann@example.org"]),
        ("hi <@u_ann> and <@u_bo>", ["hi @Ann and @u_bo"]),
        ("", []),
    ],
)
def test_blocks_have_lines(text: str, shown: list[str]) -> None:
    """Each kind of block is told from the others without colours."""
    assert lines(text) == shown


def test_broad_tables_are_rows() -> None:
    """A table that is broader than the terminal has its cells one after another."""
    assert lines("|one|two|\n|-|-|\n|three|four|", 10) == ["one │ two", "three │", "four"]


def test_marks_have_looks() -> None:
    """Marks are seen as what they mean."""
    [line] = typeset(parse("**a** *b* ~~c~~ `d` https://e.example"), 40, LOOK)
    looks = {line.plain[span.start : span.end]: str(span.style) for span in line.spans}

    assert looks["a"].startswith("bold")
    assert looks["b"].startswith("italic")
    assert looks["c"].startswith("strike")
    assert DARK.pressed in looks["d"]
    assert "underline" in looks["https://e.example"]


def test_note_stands_at_the_end() -> None:
    """A note follows the last words, or stands below what isn't words."""
    assert lines("a\n\nb", note=" (edited)") == ["a", "", "b (edited)"]
    assert lines("```\na\n```", note=" (edited)") == [" a", "(edited)"]


@given(st.text("a书。*_~`>-#|[]()!<@\n 1.https:/", max_size=80), st.integers(20, 60))
def test_lines_fit(text: str, width: int) -> None:
    """Whatever is written, no line is broader than asked."""
    assert all(line.cell_len <= width for line in typeset(parse(text), width, LOOK))
