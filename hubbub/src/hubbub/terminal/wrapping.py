"""Where lines of text are broken: between words, and between Chinese characters.

Widths are in cells, of which a Chinese character has two.

Invariants:

1. The pieces, put together, are the line; none is empty but that of an empty line.
2. No piece is wider than asked, save one of a single character, and spaces at its end.
3. Closing punctuation begins no piece and opening punctuation ends none, where there is another place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size, split_graphemes

# Hanging: what may not begin a line, and what may not end one (GB/T 15834, JIS X 4051).
_CLOSING: Final = frozenset("，。、；：？！…—～·）】》〉」』”’〕｝］,.;:?!)]}%℃")
_OPENING: Final = frozenset("（【《〈「『“‘〔｛［([{¥＄")


def width_of(text: str) -> int:
    """Return how many cells a text takes."""
    return cell_len(text)


def shorten(text: str, width: int) -> str:
    """Return as much of a line as there is room for, with a sign that there is more."""
    if width_of(text) <= width:
        return text
    return f"{set_cell_size(text, max(0, width - 1)).rstrip()}…" if width > 0 else ""


def wrap(line: str, width: int) -> list[str]:
    """Return the pieces of a line that has no ends of lines in it."""
    pieces: list[str] = []
    current, used = "", 0
    for atom in _atoms(line):
        size = width_of(atom.rstrip(" "))
        if current and used + size > width:
            pieces.append(current)
            current, used = "", 0
        if size > width:
            *full, atom = _chop(atom, width)
            pieces += full
        current += atom
        used += width_of(atom)
    return [*pieces, current] if current or not pieces else pieces


def _atoms(line: str) -> Iterator[str]:
    """Yield what isn't to be broken: words, and wide characters, with what has to stay with them."""
    atom, last = "", ""
    for start, end, size in split_graphemes(line)[0]:
        character = line[start:end]
        if atom and _may_break(last, character, size):
            yield atom
            atom = ""
        atom += character
        last = character
    if atom:
        yield atom


def _may_break(before: str, after: str, size: int) -> bool:
    if after == " " or after in _CLOSING or before in _OPENING:
        return False
    return before == " " or size > 1 or width_of(before) > 1


def _chop(atom: str, width: int) -> list[str]:
    """Return a word that is longer than a line, in pieces that aren't; the last has room for more."""
    pieces, used = [""], 0
    for start, end, size in split_graphemes(atom)[0]:
        character = atom[start:end]
        if pieces[-1] and character != " " and used + size > width:
            pieces.append("")
            used = 0
        pieces[-1] += character
        used += size
    return pieces
