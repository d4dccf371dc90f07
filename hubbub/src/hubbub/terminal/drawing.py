"""What each entry of a timeline looks like: lines of styled text, for a width.

Knows colours by what they mean.  What is selected, and what is on the screen, it doesn't know.
"""

from __future__ import annotations

from typing import Final

from rich.style import Style
from rich.text import Text

from hubbub.terminal.entries import Day, Edge, Entry, Fresh, Post, Quote, Reaction
from hubbub.terminal.themes import Palette
from hubbub.terminal.typesetting import Look, typeset
from hubbub.terminal.wrapping import shorten, width_of, wrap

MEASURE: Final = 76
"""Cells of the longest line of text: longer ones are hard to read."""
GUTTER: Final = 2
INDENT: Final = 2


def draw(entry: Entry, width: int, palette: Palette) -> list[Text]:
    """Return an entry's lines, none of which is wider than `width`, as far as that can be."""
    match entry:
        case Post():
            return _post(entry, width, palette)
        case Day(text=text):
            return [Text(), _rule(text, width, palette.line_strong, palette.quiet)]
        case Fresh(text=text):
            return [Text(), _rule(text, width, palette.accent, palette.accent)]
        case Edge(text=text):
            return [_line(_indented(shorten(text, width - GUTTER), GUTTER), Style(color=palette.quiet))]


def _rule(text: str, width: int, line: str, colour: str) -> Text:
    """Return a line across, with something written near its beginning."""
    words = shorten(text, max(0, width - 2 * GUTTER - 4))
    after = max(0, min(width, MEASURE + GUTTER + INDENT) - GUTTER - width_of(words) - 5)
    return Text.assemble(
        " " * GUTTER, ("── ", line), (words, colour), (f" {'─' * after}", line), no_wrap=True, end=""
    )


def _post(post: Post, width: int, palette: Palette) -> list[Text]:
    inner = max(1, min(MEASURE, width - GUTTER - INDENT - 1))
    lines = [Text(), _header(post, width, palette)] if post.opens else []
    if post.quote is not None:
        lines.append(_quote(post.quote, inner, palette))
    lines += _body(post, inner, palette)
    if post.note:
        lines += [
            _line(_indented(piece), Style(color=palette.danger)) for piece in wrap(f"✕ {post.note}", inner)
        ]
    if post.reactions:
        lines += _reactions(post.reactions, inner, palette)
    if post.replies:
        lines.append(_line(_indented(f"↳ {shorten(post.replies, inner - 2)}"), Style(color=palette.accent)))
    return lines


def _header(post: Post, width: int, palette: Palette) -> Text:
    author = shorten(post.author, max(1, width - GUTTER - 8))
    name = Style(color=palette.hue_of(post.by), bold=True)
    return Text.assemble(" " * GUTTER, (author, name), "  ", (post.time, palette.quiet), no_wrap=True, end="")


def _quote(quote: Quote, inner: int, palette: Palette) -> Text:
    author = shorten(quote.author, max(1, inner // 2))
    text = shorten(quote.text, inner - 3 - (width_of(author) + 1 if author else 0))
    return Text.assemble(
        " " * (GUTTER + INDENT),
        ("┃ ", palette.line_strong),
        (f"{author} " if author else "", palette.hue_of(quote.user)),
        (text, palette.quiet),
        no_wrap=True,
        end="",
    )


def _body(post: Post, inner: int, palette: Palette) -> list[Text]:
    note = f" ({' · '.join(post.marks)})" if post.marks else ""
    look = Look(palette, _look_of(post, palette), dict(post.called))
    bar = "▎" if post.calls_me else " "
    indent = " " * (GUTTER + INDENT - 1)
    return [
        Text.assemble((bar, palette.mention_ink), indent, line, no_wrap=True, end="")
        for line in typeset(post.blocks, inner, look, note)
    ]


def _look_of(post: Post, palette: Palette) -> Style:
    match post.state:
        case "deleted":
            return Style(color=palette.quiet, italic=True)
        case "sending":
            return Style(color=palette.quiet)
        case "refused":
            return Style(color=palette.danger)
        case _:
            return Style(color=palette.text)


def _reactions(reactions: tuple[Reaction, ...], inner: int, palette: Palette) -> list[Text]:
    own = Style(color=palette.accent, bgcolor=palette.accent_wash, bold=True)
    other = Style(color=palette.quiet, bgcolor=palette.pressed)
    lines, line, used = [], Text(" " * (GUTTER + INDENT), no_wrap=True, end=""), 0
    for reaction in reactions:
        label = f" {shorten(reaction.emoji, 12)} {reaction.count} "
        if used and used + width_of(label) > inner:
            lines.append(line)
            line, used = Text(" " * (GUTTER + INDENT), no_wrap=True, end=""), 0
        line.append(label, own if reaction.is_own else other)
        line.append(" ")
        used += width_of(label) + 1
    return [*lines, line]


def _indented(text: str, by: int = GUTTER + INDENT) -> str:
    return " " * by + text


def _line(text: str, style: Style) -> Text:
    return Text(text, style=style, no_wrap=True, end="")
