"""What a message consists of: blocks, and what stands in their lines.

Invariants:

1. Every text has a tree, the same as on the page, and what is written is seen in it.
2. No tree is deeper than the dialect's blocks, and MOST_INNER marks in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from markdown_it.token import Token
from msgspec import Struct

from hubbub.terminal.dialect import DIALECT
from hubbub.terminal.links import host_to_show

MOST_INNER: Final = 8
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9+#._-]{1,20}")

Align: TypeAlias = Literal["left", "center", "right"] | None


class _Node(Struct, frozen=True, tag_field="kind", tag=str.lower, omit_defaults=True):
    """Something in a tree."""


class Break(_Node, frozen=True):
    """The end of a line."""


class Code(_Node, frozen=True):
    """Code in a line."""

    text: str


class Mention(_Node, frozen=True):
    """Somebody who is spoken of; the name is known to who shows it."""

    user: str


class Marked(_Node, frozen=True):
    """What stands out."""

    inner: tuple[Inline, ...]


class Strong(Marked, frozen=True):
    """What is in bold."""


class Emphasis(Marked, frozen=True):
    """What is in italics."""


class Struck(Marked, frozen=True):
    """What is struck through."""


class Anchor(_Node, frozen=True, tag="link"):
    """What can be followed; `host` is where to, if the words may pass for another place."""

    href: str
    inner: tuple[Inline, ...]
    host: str | None = None


class Paragraph(_Node, frozen=True):
    """Lines of text."""

    inner: tuple[Inline, ...]


class Heading(_Node, frozen=True):
    """A line above others."""

    level: int
    inner: tuple[Inline, ...]


class Quote(_Node, frozen=True):
    """What another said."""

    blocks: tuple[Block, ...]


class List(_Node, frozen=True):
    """Items one under the other, numbered from `start` if there is one."""

    items: tuple[tuple[Block, ...], ...]
    start: int | None = None


class Fence(_Node, frozen=True):
    """Code in lines of its own."""

    text: str
    language: str | None = None


class Rule(_Node, frozen=True):
    """A line across."""


class Table(_Node, frozen=True):
    """Rows of cells, of which the first is the head."""

    aligned: tuple[Align, ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]


Inline: TypeAlias = str | Break | Code | Mention | Strong | Emphasis | Struck | Anchor
Block: TypeAlias = Paragraph | Heading | Quote | List | Fence | Rule | Table

_MARKS: Final[Mapping[str, type[Strong | Emphasis | Struck]]] = {
    "strong": Strong,
    "em": Emphasis,
    "s": Struck,
}


def parse(text: str) -> tuple[Block, ...]:
    """Return the tree of a message's text."""
    blocks = _Blocks(DIALECT.parse(text)).all()
    # A single sign may be a list or a heading of nothing: here it is what was said.
    is_seen = words_of(blocks, {}).strip() or any(isinstance(block, Rule) for block in blocks)
    return blocks if is_seen or not text.strip() else (Paragraph(_lines(text)),)


def words_of(blocks: Iterable[Block], names: Mapping[str, str]) -> str:
    """Return what a tree says, in words alone; who has no name goes by their id."""
    return "\n".join(_block_words(block, names) for block in blocks)


def inline_words(inner: Iterable[Inline], names: Mapping[str, str]) -> str:
    """Return what stands in a line, in words alone."""
    return "".join(_inline_words(node, names) for node in inner)


def _block_words(block: Block, names: Mapping[str, str]) -> str:
    match block:
        case Paragraph(inner=inner) | Heading(inner=inner):
            return inline_words(inner, names)
        case Quote(blocks=blocks):
            return words_of(blocks, names)
        case List(items=items):
            return "\n".join(words_of(item, names) for item in items)
        case Table(rows=rows):
            return "\n".join(" ".join(inline_words(cell, names) for cell in row) for row in rows)
        case Fence(text=text):
            return text
        case Rule():
            return ""


def _inline_words(node: Inline, names: Mapping[str, str]) -> str:
    match node:
        case str():
            return node
        case Break():
            return "\n"
        case Code(text=text):
            return text
        case Mention(user=user):
            return f"@{names.get(user, user)}"
        case Strong(inner=inner) | Emphasis(inner=inner) | Struck(inner=inner) | Anchor(inner=inner):
            return inline_words(inner, names)


def _lines(text: str) -> tuple[Inline, ...]:
    first, *rest = text.strip().split("\n")
    return (first, *(node for line in rest for node in (Break(), line)))


class _Blocks:
    """Takes tokens from the front, one after another."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = iter(tokens)

    def all(self) -> tuple[Block, ...]:
        """Return the blocks up to the end of what they stand in."""
        return tuple(self._each())

    def _each(self) -> Iterator[Block]:
        for token in self._tokens:
            if token.nesting < 0:
                return
            block = self._block(token)
            if block is not None:
                yield block

    def _block(self, token: Token) -> Block | None:
        match token.type:
            case "paragraph_open":
                return Paragraph(self._inner())
            case "heading_open":
                return Heading(int(token.tag[1]), self._inner())
            case "blockquote_open":
                return Quote(self.all())
            case "bullet_list_open":
                return List(self._items())
            case "ordered_list_open":
                return List(self._items(), int(token.attrGet("start") or 1))
            case "fence":
                return _fence(token)
            case "table_open":
                return self._table()
            case "hr":
                return Rule()
            case _:
                return None

    def _inner(self) -> tuple[Inline, ...]:
        """Return what stands in the lines of a block, whose end follows."""
        inner = _inlines(next(self._tokens).children or [])
        next(self._tokens)
        return inner

    def _items(self) -> tuple[tuple[Block, ...], ...]:
        items = []
        while next(self._tokens).type == "list_item_open":
            items.append(self.all())
        return tuple(items)

    def _table(self) -> Table:
        aligned: list[Align] = []
        rows: list[list[tuple[Inline, ...]]] = []
        for token in self._tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            if token.type == "th_open":
                aligned.append(_align(token))
            if token.type in {"th_open", "td_open"}:
                rows[-1].append(self._inner())
        return Table(tuple(aligned), tuple(_written(row) for row in rows))


def _written(row: list[tuple[Inline, ...]]) -> tuple[tuple[Inline, ...], ...]:
    """Return a row without the cells that nobody wrote: a few lines could ask for thousands."""
    while row and not row[-1]:
        row.pop()
    return tuple(row)


def _align(token: Token) -> Align:
    match str(token.attrGet("style")).removeprefix("text-align:"):
        case "left" | "center" | "right" as side:
            return side
        case _:
            return None


def _fence(token: Token) -> Fence:
    """Return code; one word after the fence is its language, more are where somebody began to write."""
    text, words = token.content.removesuffix("\n"), token.info.strip()
    if not words:
        return Fence(text)
    return Fence(text, words.lower()) if _LANGUAGE.fullmatch(words) else Fence(f"{words}\n{text}")


def _inlines(tokens: Iterable[Token]) -> tuple[Inline, ...]:
    opened: list[tuple[Token | None, list[Inline]]] = [(None, [])]
    for token in tokens:
        if token.nesting > 0:
            opened.append((token, []))
        elif token.nesting < 0:
            _close(opened)
        else:
            _add(opened[-1][1], _leaf(token))
    return tuple(opened[0][1])


def _close(opened: list[tuple[Token | None, list[Inline]]]) -> None:
    """Put what ends into what it stands in; what is too deep stands by itself, without its mark."""
    token, inner = opened.pop()
    mark = _marked(token, tuple(inner)) if token is not None and len(opened) <= MOST_INNER else None
    _add(opened[-1][1], inner if mark is None else [mark])


def _marked(token: Token, inner: tuple[Inline, ...]) -> Inline | None:
    if token.tag != "a":
        return _MARKS[token.tag](inner)
    return _link(str(token.attrGet("href") or ""), inner)


def _link(href: str, inner: tuple[Inline, ...]) -> Anchor | None:
    if not href:
        return None
    return Anchor(href, inner or (href,), host_to_show(href, inline_words(inner, {})))


def _leaf(token: Token) -> list[Inline]:
    match token.type:
        case "softbreak" | "hardbreak":
            return [Break()]
        case "code_inline":
            return [Code(token.content)]
        case "mention":
            return [Mention(token.content)]
        case "image":
            return _image(token)
        case _:
            return [token.content] if token.content else []


def _image(token: Token) -> list[Inline]:
    """Return the link that a picture from elsewhere is: nothing is loaded."""
    words = inline_words(_inlines(token.children or []), {})
    inner: tuple[Inline, ...] = (words,) if words else ()
    link = _link(str(token.attrGet("src") or ""), inner)
    return [link] if link is not None else list(inner)


def _add(line: list[Inline], nodes: Iterable[Inline]) -> None:
    """Add to a line; texts that meet become one."""
    for node in nodes:
        last = line[-1] if line else None
        if isinstance(node, str) and isinstance(last, str):
            line[-1] = last + node
        else:
            line.append(node)
