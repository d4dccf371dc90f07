"""Which characters stand without spaces."""

from __future__ import annotations

import pytest

from hubbub.terminal.scripts import is_cjk


@pytest.mark.parametrize(
    "character, expected",
    [("书", True), ("。", True), ("（", True), ("あ", True), ("한", True), ("𠮷", True)]
    + [(character, False) for character in "aé1 .“🎉"],
)
def test_scripts_are_told_apart(character: str, expected: bool) -> None:
    """Chinese, Japanese and Korean have no spaces, nor has their punctuation."""
    assert is_cjk(character) is expected
