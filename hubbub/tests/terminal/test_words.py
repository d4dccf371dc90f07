"""The words."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date

import pytest

from hubbub import wire
from hubbub.terminal.words import EN, ZH, Words, choose


def test_languages_say_the_same() -> None:
    """Each sentence is there in both languages, with as many places to fill."""
    for each in fields(Words):
        one, other = getattr(EN, each.name), getattr(ZH, each.name)
        if isinstance(one, str):
            assert other
            assert one.count("{}") == other.count("{}"), each.name
        else:
            assert len(one) == len(other)
    assert EN.reasons.keys() == ZH.reasons.keys()
    assert EN.reasons.keys() - wire.ERRORS.keys() == {"outbox", "other"}


def test_help_has_the_same_keys() -> None:
    """Both languages explain the same keys."""
    keys = [re.findall(r"^  (\S.*?)  +\S", words.help_text, re.MULTILINE) for words in (EN, ZH)]

    assert keys[0] == keys[1]
    assert len(keys[0]) > 15


@pytest.mark.parametrize(
    "wanted, environment, words",
    [
        (None, {"LANG": "zh_CN.UTF-8"}, ZH),
        (None, {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, EN),
        (None, {"LC_ALL": "", "LC_MESSAGES": "zh_TW"}, ZH),
        (None, {}, EN),
        ("en", {"LANG": "zh_CN.UTF-8"}, EN),
        ("zh", {}, ZH),
    ],
)
def test_language_is_the_environments(wanted: str | None, environment: dict[str, str], words: Words) -> None:
    """What was asked for comes first, then the locale."""
    assert choose(wanted, environment) is words


def test_days_have_names() -> None:
    """A day is called as people call it; the year is told when it is another."""
    day, later = date(2026, 3, 14), date(2027, 1, 1)

    assert [EN.day(day, day), ZH.day(day, day)] == ["Saturday, 14 March", "3月14日 星期六"]
    assert [EN.day(day, later), ZH.day(day, later)] == ["Saturday, 14 March 2026", "2026年3月14日 星期六"]


def test_numbers_agree() -> None:
    """One is one, and others are many."""
    assert [EN.count(EN.reply_one, EN.reply_many, number) for number in (1, 2)] == [
        "1 reply in its thread",
        "2 replies in its thread",
    ]


def test_typists_are_named() -> None:
    """Few who type are named, many aren't."""
    assert EN.typing([]) == ""
    assert EN.typing(["Ann"]) == "Ann is typing…"
    assert ZH.typing(["Ann", "小林"]) == "Ann和小林 正在输入…"
    assert EN.typing(["a", "b", "c"]) == "Several people are typing…"


def test_reasons_are_sentences() -> None:
    """Every code has a sentence, one that nobody knows yet as well."""
    assert EN.reason("too_long") == "This message is too long."
    assert EN.reason("of tomorrow") == "The server refused that."
