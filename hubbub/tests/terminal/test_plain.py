"""What others write, as a terminal may be given it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.terminal.plain import plain, plain_line


@pytest.mark.parametrize(
    "text, shown",
    [
        ("\x1b[2J\x1b]0;mine\x07", "\\x1b[2J\\x1b]0;mine\\x07"),
        ("\x9b2J\x90", "\\x9b2J\\x90"),
        ("a\rb\x7f\x08", "a\\x0db\\x7f\\x08"),
        ("one\r\ntwo\ttabs", "one\ntwo    tabs"),
        ("a\u2028b", "a\nb"),
        ("\u202egnp.exe\u2066\u200b\ufeff", "gnp.exe"),
        ("\ud800", "\ufffd"),
        ("👨\u200d👩\u200d👧 می\u200cخواهم ❤️", "👨\u200d👩\u200d👧 می\u200cخواهم ❤️"),
        ("你好，世界！", "你好，世界！"),
    ],
)
def test_orders_are_shown(text: str, shown: str) -> None:
    """What a terminal would obey is shown as its code, what turns text around is left out; letters stay."""
    assert plain(text) == shown


@given(st.text(st.characters()))
def test_no_control_is_left(text: str) -> None:
    """Whatever comes in, no control comes out, nor half a character."""
    categories = {unicodedata.category(character) for character in plain(text) if character != "\n"}
    formats = {c for c in plain(text) if unicodedata.category(c) == "Cf"}

    assert not categories & {"Cc", "Cs", "Zl", "Zp"}
    assert formats <= {"\u200c", "\u200d"}


def test_names_are_one_line() -> None:
    """A name can't have lines of its own, nor spaces that push something away."""
    assert plain_line("  Ann \n\n   Lee\t") == "Ann Lee"
