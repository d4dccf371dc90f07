"""What a message's blocks look like: lines of styled text, none wider than asked, as far as that can be.

Knows looks by what they mean.  Whose message it is, it doesn't know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style
from rich.text import Text

from hubbub.terminal.markdown import (
    Align,
    Anchor,
    Block,
    Break,
    Code,
    Emphasis,
    Fence,
    Heading,
    Inline,
    List,
    Mention,
    Paragraph,
    Quote,
    Rule,
    Strong,
    Struck,
    Table,
)
from hubbub.terminal.themes import Palette
from hubbub.terminal.wrapping import width_of, wrap

BULLET: Final = "• "
BESIDE_QUOTE: Final = "▏ "
BETWEEN_CELLS: Final = " │ "
RULE_WIDTH: Final = 24
LEAST: Final = 8
"""Cells that are always left for the text, whatever stands beside it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a text starts from, and the names of those it speaks of."""

    palette: Palette
    base: Style
    names: Mapping[str, str]


def typeset(blocks: Sequence[Block], width: int, look: Look, note: str = "") -> list[Text]:
    """Return the lines of blocks, and a note in the last of them, or below if that isn't text."""
    end = Text(note, Style(color=look.palette.quiet), end="") if note else None
    if end is not None and (not blocks or not isinstance(blocks[-1], Paragraph | Heading)):
        return [*_blocks(blocks, width, look), *_wrapped(Text(note.lstrip(), end.style, end=""), width)]
    return _blocks(blocks, width, look, end)


def _blocks(blocks: Sequence[Block], width: int, look: Look, end: Text | None = None) -> list[Text]:
    lines: list[Text] = []
    for number, block in enumerate(blocks):
        if number:
            lines.append(Text(end=""))
        lines += _block(block, width, look, end if number == len(blocks) - 1 else None)
    return lines


def _block(block: Block, width: int, look: Look, end: Text | None) -> list[Text]:
    match block:
        case Paragraph(inner=inner):
            return _lines(inner, width, look, look.base, end)
        case Heading(inner=inner):
            return _lines(inner, width, look, look.base + Style(bold=True), end)
        case Quote(blocks=blocks):
            return _beside(BESIDE_QUOTE, _blocks(blocks, _within(width, 2), look), look)
        case List():
            return _list(block, width, look)
        case Fence(text=text):
            return _fence(text, width, look)
        case Table():
            return _table(block, width, look)
        case Rule():
            return [Text("─" * min(width, RULE_WIDTH), Style(color=look.palette.line_strong), end="")]


def _within(width: int, taken: int) -> int:
    return max(LEAST, width - taken)


def _beside(sign: str, lines: Iterable[Text], look: Look) -> list[Text]:
    return [Text.assemble((sign, look.palette.line_strong), line, end="") for line in lines]


def _list(block: List, width: int, look: Look) -> list[Text]:
    lines: list[Text] = []
    last = (block.start or 0) + len(block.items) - 1
    size = len(BULLET) if block.start is None else len(f"{last}. ")
    for number, item in enumerate(block.items, block.start or 0):
        sign = BULLET if block.start is None else f"{number}. ".rjust(size)
        inner = _item(item, _within(width, size), look) or [Text(end="")]
        for index, line in enumerate(inner):
            lines.append(Text.assemble((" " * size if index else sign, look.palette.quiet), line, end=""))
    return lines


def _item(blocks: Sequence[Block], width: int, look: Look) -> list[Text]:
    """Return the lines of an item, without spaces between its blocks."""
    return [line for block in blocks for line in _block(block, width, look, None)]


def _fence(text: str, width: int, look: Look) -> list[Text]:
    style = Style(color=look.palette.text, bgcolor=look.palette.sunken)
    inner = _within(width, 2)
    pieces = [piece for line in text.split("\n") for piece in wrap(line, inner)]
    broad = max(map(width_of, pieces))
    return [Text(f" {piece}{' ' * (broad - width_of(piece))} ", style, end="") for piece in pieces]


def _table(table: Table, width: int, look: Look) -> list[Text]:
    cells = [[_text(cell, look, look.base) for cell in row] for row in table.rows]
    for text in cells[0]:
        text.stylize(Style(bold=True))
    columns = len(table.aligned)
    widths = [max((row[at].cell_len for row in cells if at < len(row)), default=0) for at in range(columns)]
    if sum(widths) + len(BETWEEN_CELLS) * (columns - 1) > width:
        return [piece for row in cells for piece in _wrapped(_joined(row, look), width)]
    return [
        _joined([_aligned(row, at, widths, table.aligned) for at in range(columns)], look) for row in cells
    ]


def _aligned(row: Sequence[Text], at: int, widths: Sequence[int], aligned: Sequence[Align]) -> Text:
    text = row[at].copy() if at < len(row) else Text(end="")
    free = widths[at] - text.cell_len
    left = {"right": free, "center": free // 2}.get(aligned[at] or "", 0)
    text.pad_left(left)
    text.pad_right(free - left)
    return text


def _joined(row: Iterable[Text], look: Look) -> Text:
    joined = Text(BETWEEN_CELLS, Style(color=look.palette.line_strong), end="").join(row)
    joined.end = ""
    return joined


def _lines(inner: Iterable[Inline], width: int, look: Look, style: Style, end: Text | None) -> list[Text]:
    text = _text(inner, look, style)
    if end is not None:
        text.append_text(end)
    return [line for part in text.split("\n", allow_blank=True) for line in _wrapped(part, width)]


def _wrapped(text: Text, width: int) -> list[Text]:
    offsets, at = [], 0
    for piece in wrap(text.plain, width)[:-1]:
        at += len(piece)
        offsets.append(at)
    lines = list(text.divide(offsets))
    for line in lines:
        line.rstrip()
        line.end = ""
    return lines


def _text(inner: Iterable[Inline], look: Look, style: Style) -> Text:
    text = Text(style=look.base, end="")
    _write(text, inner, look, style)
    return text


def _write(text: Text, inner: Iterable[Inline], look: Look, style: Style) -> None:
    for node in inner:
        match node:
            case str():
                text.append(node, style)
            case Break():
                text.append("\n", style)
            case Code(text=code):
                text.append(code, style + Style(bgcolor=look.palette.pressed))
            case Mention(user=user):
                called = f"@{look.names.get(user, user)}"
                text.append(called, style + Style(color=look.palette.accent, bold=True))
            case Strong(inner=inside):
                _write(text, inside, look, style + Style(bold=True))
            case Emphasis(inner=inside):
                _write(text, inside, look, style + Style(italic=True))
            case Struck(inner=inside):
                _write(text, inside, look, style + Style(strike=True))
            case Anchor():
                _link(text, node, look, style)


def _link(text: Text, link: Anchor, look: Look, style: Style) -> None:
    """Write a link, and where it leads: nobody can hover over a terminal."""
    _write(text, link.inner, look, style + Style(underline=True, link=link.href))
    if link.inner != (link.href.removeprefix("mailto:"),):
        text.append(f" ({link.href})", style + Style(color=look.palette.quiet))
