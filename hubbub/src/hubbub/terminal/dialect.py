"""The Markdown of messages: CommonMark with tables and strikethrough, as the page has it.

It leaves out what takes people who write a message by surprise, and has Chinese in mind.

Invariants:

1. What is written is seen: no HTML, no entities, no definitions that vanish.
2. Emphasis works beside Chinese characters and punctuation, where there are no spaces.
3. A line after a quote or a list that isn't marked as theirs isn't theirs.
4. Nothing is deeper than DEPTH; what would be, is a paragraph.
"""

from __future__ import annotations

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from hubbub.terminal.links import address_at, safe_href
from hubbub.terminal.scripts import is_cjk

DEPTH: Final = 10
"""How many lists, items and quotes a block may stand in."""
_NESTING: Final = 20

_SURPRISES: Final = ["code", "html_block", "reference", "lheading", "html_inline", "entity", "linkify"]
# A sign between two of these is a part of a name or a sum: snake_case, 2*3*4.
_WORD: Final = re.compile(r"[A-Za-z0-9]")
_MENTION: Final = re.compile(r"<@(u_[A-Za-z0-9_-]{1,62})>")
_SCHEME: Final = re.compile(r"(?:^|[^a-z0-9])(https?)$", re.IGNORECASE)


class _State(StateInline):
    """Scans for emphasis as the extension of CommonMark for Chinese, Japanese and Korean has it."""

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        length = super().scanDelims(start, canSplitWord).length
        end = start + length
        before = self.src[start - 1] if start > 0 else " "
        after = self.src[end] if end < self.posMax else " "
        if length == 1 and _WORD.match(before) and _WORD.match(after):
            return Scanned(False, False, length)
        opens, closes = _leans(before, after), _leans(after, before)
        return Scanned(
            opens and (canSplitWord or not closes or _is_punct(before)),
            closes and (canSplitWord or not opens or _is_punct(after)),
            length,
        )


class _Inline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _Dialect(MarkdownIt):
    def normalizeLink(self, url: str) -> str:
        return safe_href(url) or ""

    def normalizeLinkText(self, link: str) -> str:
        return link

    def validateLink(self, url: str) -> bool:
        return url != ""


def _leans(outer: str, inner: str) -> bool:
    """Say whether a mark between these leans on the second: is left-flanking, or mirrored right-flanking."""
    if isWhiteSpace(ord(inner)):
        return False
    is_free = isWhiteSpace(ord(outer)) or _is_punct(outer) or is_cjk(outer)
    return is_free or not _is_punct(inner) or is_cjk(inner)


def _is_punct(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)


def _too_deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Show what would be too deep as it is written."""
    if silent or state.level < DEPTH:
        return False
    line = start + 1
    while line < end and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    state.line = line
    state.push("paragraph_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, line, state.blkIndent, False).strip()
    inline.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _quote_end(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """Find a line without the mark of the quote before it; tables ask the same rules."""
    return silent and state.parentType == "blockquote"


def _item_end(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """Find a line that stands further out than the item before it."""
    return silent and state.sCount[line] < state.blkIndent


def _mention(state: StateInline, silent: bool) -> bool:
    found = _MENTION.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("mention", "", 0).content = found[1]
    state.pos = found.end()
    return True


def _address(state: StateInline, silent: bool) -> bool:
    """Find an address that just stands there; within a link's words it is only words."""
    if silent or state.linkLevel > 0 or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.pending[-6:])
    if scheme is None:
        return False
    start = state.pos - len(scheme[1])
    address = address_at(state.src, start, state.posMax)
    if address is None:
        return False
    state.pending = state.pending[: -len(scheme[1])]
    state.push("link_open", "a", 1).attrs = {"href": address}
    state.push("text", "", 0).content = address
    state.push("link_close", "a", -1)
    state.pos = start + len(address)
    return True


def _make() -> MarkdownIt:
    dialect = _Dialect("js-default", {"html": False, "breaks": True, "maxNesting": _NESTING})
    dialect.inline = _Inline()
    dialect.disable(_SURPRISES)
    blocks = dialect.block.ruler
    blocks.before("table", "too_deep", _too_deep)
    blocks.before("paragraph", "quote_end", _quote_end, {"alt": ["blockquote"]})
    blocks.before("paragraph", "item_end", _item_end, {"alt": ["paragraph"]})
    dialect.inline.ruler.before("autolink", "mention", _mention)
    dialect.inline.ruler.push("address", _address)
    return dialect


DIALECT: Final = _make()
