"""How messages are shown in a terminal: text, JSON, bytes in columns, in colours if they are wanted.

It makes text, and refuses to know where that goes and how it is typed beneath.

Invariants:

1. What a peer sent can't command a terminal: controls are shown as their codes.
2. What a peer sent can't pass for a line of ours: all lines but a message's first are indented.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NoReturn

__all__ = ["Display", "can_draw", "hexdump", "json_pieces", "size_of", "visible"]

#: What each kind of text looks like (ECMA-48 8.3.117).
COLOURS: Mapping[str, str] = {
    "notice": "2",
    "error": "31",
    "arrived": "36",
    "key": "34",
    "string": "32",
    "number": "33",
    "literal": "35",
}
#: Deeper JSON is shown as it came: its indentation would be most of it.
DEEPEST = 32
OPENING, CLOSING = ("[", "{"), ("]", "}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


class _Visible(dict[int, str]):
    """Maps a character to what is shown for it; made as they come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        # Spaces of all widths, and what joins emoji, are as harmless as letters.
        is_harmless = character in "\t\n\u200d" or unicodedata.category(character) == "Zs"
        if character.isprintable() or is_harmless:
            shown = character
        else:
            shown = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
        self[code] = shown
        return shown


_VISIBLE = _Visible()


def visible(text: str) -> str:
    """Return text in which whatever isn't printable is a code, but for tabs and ends of lines."""
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def can_draw() -> bool:
    """Tell whether the terminal is more than paper."""
    return os.environ.get("TERM", "dumb") not in ("dumb", "unknown") or sys.platform == "win32"


def size_of(data: bytes) -> str:
    """Say how many bytes there are."""
    return "1 byte" if len(data) == 1 else f"{len(data):,} bytes"


def hexdump(data: bytes, most: int, columns: int = 80) -> Iterator[str]:
    """Yield lines of offset, bytes and their ASCII; at most ``most`` bytes, then how many more there are."""
    # An offset, two digits and a space a byte, and its character between bars: 16 take 77 columns.
    width = next((width for width in (16, 8) if 13 + 4 * width <= columns), 4)
    shown = data[:most]
    for start in range(0, len(shown), width):
        row = shown[start : start + width]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{start:08x}  {row.hex(' '):{width * 3 - 1}}  |{text}|"
    if len(data) > most:
        yield f"… and {size_of(data[most:])} more: --show {len(data)} shows all"


def json_pieces(text: str) -> list[tuple[str, str]] | None:
    """Return JSON laid out, as pieces of one kind each; None if it is none, or nested too deeply (RFC 8259).

    Tokens and their order stay as they are, so that numbers keep their digits.
    """
    try:
        # What numbers mean is no matter here, and big ones take long to make.
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    tokens: list[str] = _TOKEN.findall(text)
    return None if _depth(tokens) > DEEPEST else list(_lay_out(tokens))


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} isn't JSON")


def _depth(tokens: list[str]) -> int:
    return max(itertools.accumulate((token in OPENING) - (token in CLOSING) for token in tokens))


def _lay_out(tokens: list[str]) -> Iterator[tuple[str, str]]:
    depth = 0
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        opens, closes_next = token in OPENING, following in CLOSING
        depth += opens - (token in CLOSING)
        yield _kind(token, following), token
        if token == ":":
            yield "", " "
        elif following and (token == "," or opens is not closes_next):
            yield "", "\n" + "  " * (depth - closes_next)


def _kind(token: str, following: str) -> str:
    if token[0] == '"':
        return "key" if following == ":" else "string"
    if token in ("true", "false", "null"):
        return "literal"
    return "" if token in "[]{},:" else "number"


class Display:
    """Makes lines of messages and notices.

    Args:
        is_coloured: whether to use colours.
        is_json: whether to lay out JSON.
        most: bytes of a binary message to show.
        columns: how wide the terminal is.
    """

    def __init__(
        self, *, is_coloured: bool = False, is_json: bool = False, most: int = 256, columns: int = 80
    ) -> None:
        self._is_coloured = is_coloured
        self._is_json = is_json
        self._most = most
        self.columns = columns

    def paint(self, kind: str, text: str) -> str:
        """Return text in the colour of its kind."""
        return f"\x1b[{COLOURS[kind]}m{text}\x1b[0m" if self._is_coloured and kind else text

    def notice(self, text: str) -> str:
        """Return what we have to say."""
        return self.paint("notice", f"· {visible(text)}")

    def complaint(self, text: str) -> str:
        """Return what can't be done."""
        return self.paint("error", f"! {visible(text)}")

    def message(self, data: str | bytes) -> str:
        """Return a message that arrived, with a mark before it."""
        return f"{self.paint('arrived', '<')} {self.content(data)}"

    def content(self, data: str | bytes) -> str:
        """Return a message that arrived; its lines but the first are indented."""
        if isinstance(data, bytes):
            head = self.paint("notice", f"binary, {size_of(data) if data else 'empty'}")
            return "\n  ".join([head, *hexdump(data, self._most, self.columns - 2)])
        return self._text(data).replace("\n", "\n  ")

    def _text(self, text: str) -> str:
        pieces = json_pieces(text) if self._is_json else None
        if pieces is None:
            return visible(text)
        return "".join(self.paint(kind, visible(piece)) for kind, piece in pieces)
