"""What a message consists of, as the page has it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbub.terminal.markdown import Mention, Paragraph, parse, words_of

# What the page shows of the same texts is tested by the same file.
FIXTURE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "markdown.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", FIXTURE, ids=lambda case: case["name"])
def test_page_has_the_same_tree(case: dict[str, Any]) -> None:
    """A text has the same tree here and on the page."""
    assert json.loads(msgspec.json.encode(parse(case["source"]))) == case["tree"]


def test_trees_have_words() -> None:
    """A tree says in words what was written, and names those it speaks of."""
    text = "# One\n> **two** `three`\n- [four](https://example.org)\n\n```\nfive\n```\n|six|\n|-|\n|<@u_ann>|"

    assert words_of(parse(text), {"u_ann": "Ann"}) == "One\ntwo three\nfour\nfive\nsix\n@Ann"
    assert parse("<@u_bo>") == (Paragraph((Mention("u_bo"),)),)
    assert words_of(parse("a\n<@u_bo>"), {}) == "a\n@u_bo"


@pytest.mark.parametrize(
    "piece",
    [
        "*",
        "**a",
        "*a ",
        "~~a ",
        "`a",
        "[",
        "[a](",
        "<@u_",
        "> ",
        "> - ",
        "- a\n",
        "|\n",
        "https://",
        "书**。",
    ],
)
def test_worst_texts_take_steps_by_length(piece: str) -> None:
    """Twice as much of the worst takes about twice the calls, however deep it seems."""
    half, whole = (_calls(piece * (length // len(piece))) for length in (1_000, 2_000))

    assert whole < 2.5 * half + 2_000


def _calls(text: str) -> int:
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        parse(text)
    finally:
        sys.setprofile(None)
    return calls
