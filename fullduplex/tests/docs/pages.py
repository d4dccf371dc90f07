"""What is in a page of the documentation: its blocks, and the notes to us that stand before them.

A note is an HTML comment, which readers don't see, right before a block: `<!-- verb: rest -->`; VERBS has
them.  This module doesn't know how anything is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[3]

#: What a note may say about the block after it.
VERBS = {
    "setup": "Python that the reader has to imagine, run before the block",
    "with": "a command that goes on beside the block, and ends with it",
    "prints": "what the block prints, where the page doesn't show it",
    "opens": "an address that is opened in the browser once the block runs",
    "types": "what is typed into the first field of the page in the browser, and Enter",
    "shows": "what the page in the browser shows in the end",
    "of": "a word of the command whose output the block is",
    "stop": "end what the blocks before have left going",
    "not run": "why the block can't be run",
}

#: What is there in both languages.
IN_BOTH_LANGUAGES = ["README.md", "docs/index.md", "docs/why.md", "docs/start/*.md"]

# Folders under docs whose pages have no blocks of their own to run.
_ELSEWHERE = {"_build", "decisions"}

_NOTE = re.compile(r"<!--\s*(?P<verb>[a-z ]+?)\s*(?::\s*(?P<rest>.*?))?\s*-->", re.DOTALL)
_FILE = re.compile(r"(?:#|//|<!--) ?(?P<name>[\w/-]+\.\w+|Caddyfile)(?: ?-->)?")
_WORDING = re.compile(r"""'[^'\n]*'|"[^"\n]*"|`[^`\n]*`|(?:#|//).*""")


@dataclass
class Block:
    """A block of a page: what it is, and what the notes before it say."""

    language: str
    text: str
    #: The line of the page that the text begins with, counted from 1.
    line: int
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str | None:
        """The name of the file that the block's first line tells the reader to make of it."""
        named = _FILE.fullmatch(self.text.partition("\n")[0])
        return named["name"] if named else None

    @property
    def prints(self) -> str | None:
        """What the block prints, if the page says so."""
        return self.notes.get("prints")

    @property
    def shape(self) -> tuple[str, ...]:
        """What the block keeps in another language: all but the text of its strings, comments and output."""
        code = _WORDING.sub("", self.text) if self.language in ("python", "javascript") else ""
        return (self.language, self.file or "", code, *sorted(self.notes))


def pages() -> list[Path]:
    """Return every page whose blocks are run."""
    found = [path for path in (ROOT / "docs").rglob("*.md") if _ELSEWHERE.isdisjoint(path.parts)]
    return [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "fullduplex" / "README.md", *sorted(found)]


def twins() -> list[tuple[Path, Path]]:
    """Return each page that is there in both languages: in English, and in Chinese."""
    english = [page for pattern in IN_BOTH_LANGUAGES for page in sorted(ROOT.glob(pattern))]
    return [(page, _chinese(page)) for page in english]


def _chinese(page: Path) -> Path:
    if page.parent == ROOT:
        return page.with_suffix(".zh-CN.md")
    return ROOT / "docs" / "zh" / page.relative_to(ROOT / "docs")


def name_of(page: Path) -> str:
    """Return a page's path as people say it."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a page, without those that are instructions to Sphinx.

    A block of text is the output of the block before, and is kept as such.

    Raises:
        ValueError: if a note isn't one that we know.
    """
    blocks: list[Block] = []
    for block in _raw_blocks(text):
        if block.language == "text" and blocks and block.notes.keys().isdisjoint({"of", "not run"}):
            blocks[-1].notes["prints"] = block.text
        else:
            blocks.append(block)
    return blocks


def _raw_blocks(text: str) -> Iterator[Block]:
    notes: dict[str, str] = {}
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "html_block":
            notes |= {note["verb"]: note["rest"] or "" for note in _NOTE.finditer(token.content)}
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            if not token.info.startswith("{"):
                _check(notes)
                yield Block(token.info.strip(), token.content, token.map[0] + 2, notes)
            notes = {}
        elif token.type == "inline":
            notes = {}


def _check(notes: dict[str, str]) -> None:
    unknown = notes.keys() - VERBS
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no verb of a note; these are: {', '.join(VERBS)}")
