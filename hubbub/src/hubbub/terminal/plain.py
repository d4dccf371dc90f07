"""What others write, as a terminal may be given it.

A terminal takes orders in the text that it shows: to clear the screen, to write elsewhere, to type for its
user.  Nobody but this program may give them.

Invariants:

1. What comes out has no control characters but the ends of lines, and nothing that turns text around.
"""

from __future__ import annotations

import unicodedata
from typing import Final

TAB: Final = "    "

# Joiners shape Persian words and families of emoji; no other invisible character is needed for reading.
_JOINERS: Final = "\u200c\u200d"
_ENDS: Final = {"Zl", "Zp"}


class _Shown(dict[int, str]):
    """Maps a character to what is shown for it; made as they come."""

    def __missing__(self, code: int) -> str:
        shown = self[code] = _show(chr(code))
        return shown


def _show(character: str) -> str:
    if character == "\t":
        return TAB
    if character == "\n" or character in _JOINERS:
        return character
    category = unicodedata.category(character)
    if category == "Cc":
        return f"\\x{ord(character):02x}"
    if category in _ENDS:
        return "\n"
    if category == "Cf":
        return ""
    return "\ufffd" if category == "Cs" else character


_SHOWN: Final = _Shown()


def plain(text: str) -> str:
    """Return text whose controls are shown as their codes; it may have several lines."""
    return text.replace("\r\n", "\n").translate(_SHOWN)


def plain_line(text: str) -> str:
    """Return text in one line, as names are shown."""
    return " ".join(plain(text).split())
