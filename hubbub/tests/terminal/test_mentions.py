"""Who is spoken of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.terminal.mentions import begun, matching, read, spoken_of, write

NAMES = {"u_1": "Ann", "u_2": "Ann Lee", "u_3": "小林", "u_4": "Bo.B"}


@pytest.mark.parametrize(
    "written, sent",
    [
        ("@Ann come", "<@u_1> come"),
        ("@Ann Lee come", "<@u_2> come"),
        ("请@小林来", "请<@u_3>来"),
        ("＠小林", "<@u_3>"),
        ("@Anna", "@Anna"),
        ("ann@Ann", "ann@Ann"),
        ("(@Bo.B)", "(<@u_4>)"),
        ("@nobody", "@nobody"),
        ("`@Ann` @Ann", "`@Ann` <@u_1>"),
        ("```\n@Ann\n```\n@Ann", "```\n@Ann\n```\n<@u_1>"),
        ("~~~ x\n@Ann", "~~~ x\n@Ann"),
        ("`@Ann", "`<@u_1>"),
    ],
)
def test_names_become_mentions(written: str, sent: str) -> None:
    """Whoever is called by their whole name is meant, and nobody else."""
    assert write(written, NAMES) == sent


@given(st.lists(st.sampled_from(["<@u_1>", "<@u_2>", "<@u_3>", " and ", "，", " 到 "])))
def test_reading_undoes_writing(parts: list[str]) -> None:
    """What is sent is read with names, and sent again as the same."""
    sent = " ".join(parts)

    assert write(read(sent, NAMES), NAMES) == sent


def test_unknown_people_go_by_their_id() -> None:
    """Someone who isn't known here is spoken of all the same."""
    assert read("<@u_9>, <@u_1>", NAMES) == "@u_9, @Ann"
    assert spoken_of("<@u_9> <@u_1> <@nobody>") == {"u_9", "u_1"}
    assert write("@Ann", {}) == "@Ann"


@pytest.mark.parametrize(
    "text, name",
    [
        ("@", ""),
        ("hi @An", "An"),
        ("你好@小", "小"),
        ("＠小", "小"),
        ("a@b", None),
        ("@Ann ", None),
        ("", None),
    ],
)
def test_begun_name_is_found(text: str, name: str | None) -> None:
    """A name that is being written stands at the end, and isn't part of an address."""
    assert begun(text) == name


def test_matching_names_are_offered() -> None:
    """Names that begin so are offered, in order, whatever their case."""
    assert matching("an", NAMES.values()) == ["Ann", "Ann Lee"]
