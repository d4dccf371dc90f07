"""Which characters are of a script that has no spaces between words."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

# Han, Kana, Hangul and Bopomofo, their punctuation, and what is as wide; the page knows the same.
_RANGES: Final = (
    (0x1100, 0x11FF),
    (0x2E80, 0x2FFF),
    (0x3001, 0xA4CF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFE10, 0xFE1F),
    (0xFE30, 0xFE6F),
    (0xFF01, 0xFFEE),
    (0x16FE0, 0x18DFF),
    (0x1AFF0, 0x1B2FF),
    (0x20000, 0x3FFFF),
)
_FIRST: Final = [first for first, _ in _RANGES]


def is_cjk(character: str) -> bool:
    """Say whether a character is of such a script, or of its punctuation."""
    code = ord(character)
    at = bisect_right(_FIRST, code) - 1
    return at >= 0 and code <= _RANGES[at][1]
