"""What entries look like."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from hubbub.terminal.drawing import draw
from hubbub.terminal.entries import Day, Edge, Entry, Fresh, Post, Quote, Reaction
from hubbub.terminal.markdown import parse
from hubbub.terminal.themes import DARK

POST = Post(1, 1, "u_bo", "Bo", "09:00", "hi", parse("hi"))


def lines(entry: Entry, width: int = 60) -> list[str]:
    """Return what an entry's lines say."""
    return [line.plain.rstrip() for line in draw(entry, width, DARK)]


def looks(text: Text, part: str) -> set[str]:
    """Return the colours of a part of a line."""
    start = text.plain.index(part)
    return {
        str(span.style.color.name)
        if not isinstance(span.style, str) and span.style.color
        else str(span.style)
        for span in text.spans
        if span.start <= start and span.end >= start + len(part)
    }


def test_message_has_its_author() -> None:
    """The first message of a group has a name and a time above it, the others don't."""
    assert lines(POST) == ["", "  Bo  09:00", "    hi"]
    assert lines(Post(2, 2, "u_bo", "Bo", "09:01", "", parse("one\n\ntwo"), opens=False)) == [
        "    one",
        "",
        "    two",
    ]
    assert DARK.hue_of("u_bo") in looks(draw(POST, 60, DARK)[1], "Bo")


def test_everything_has_its_line() -> None:
    """What is answered stands above the text; reactions, replies and reasons below."""
    post = Post(
        1,
        1,
        "u_bo",
        "Bo",
        "09:00",
        "yes",
        parse("yes"),
        quote=Quote("u_1", "Ann", "well?"),
        reactions=(Reaction("👍", 2, True), Reaction("🎉", 1, False)),
        replies="2 replies",
        marks=("edited", "pinned"),
        note="It can't be.",
    )

    assert lines(post)[2:] == [
        "    ┃ Ann well?",
        "    yes (edited · pinned)",
        "    ✕ It can't be.",
        "     👍 2   🎉 1",
        "    ↳ 2 replies",
    ]


@pytest.mark.parametrize(
    "state, colour", [("sending", DARK.quiet), ("refused", DARK.danger), ("deleted", DARK.quiet)]
)
def test_states_have_colours(state: str, colour: str) -> None:
    """What is on its way is dim, what was refused is red."""
    [*_, line] = draw(replace(POST, state=state), 60, DARK)  # type: ignore[arg-type]

    assert colour in looks(line, "hi")


def test_names_and_addresses_stand_out() -> None:
    """Who is spoken of, and where something is, can be seen; that it is oneself, at the edge."""
    blocks = parse("<@u_me>：https://a.example/x。")
    post = replace(POST, blocks=blocks, called=(("u_me", "Me"),), calls_me=True)
    [*_, line] = draw(post, 60, DARK)

    assert line.plain.startswith("▎")
    assert DARK.accent in looks(line, "@Me")
    assert any("underline" in str(span.style) for span in line.spans)
    assert not any(
        "underline" in str(span.style) and span.end > line.plain.index("。") for span in line.spans
    )


def test_rules_have_words() -> None:
    """Days and what is new are lines across, which say what they are."""
    assert lines(Day("Saturday", "day"), 24) == ["", "  ── Saturday ─────────"]
    assert lines(Fresh("New"), 16) == ["", "  ── New ──────"]
    assert lines(Edge("This is where tea begins."), 16) == ["  This is where…"]


QUOTES = st.builds(Quote, st.just("u"), st.text("a书", max_size=30), st.text("b到 ", max_size=80))
REACTIONS = st.builds(
    Reaction, st.sampled_from(["👍", "❤️", "long words here"]), st.integers(1, 999), st.booleans()
)
POSTS = st.builds(
    lambda *args, text, **fields: Post(*args, text, parse(text), **fields),
    st.just(1),
    st.just(1),
    st.just("u_bo"),
    st.text("An书 ", min_size=1, max_size=30),
    st.just("09:00"),
    text=st.text("ab 书到，\n👍", max_size=80),
    opens=st.booleans(),
    quote=st.none() | QUOTES,
    reactions=st.lists(REACTIONS, max_size=9).map(tuple),
    replies=st.sampled_from(["", "12 replies in its thread"]),
    marks=st.sampled_from([(), ("edited",), ("edited", "pinned")]),
    note=st.sampled_from(["", "This message is too long."]),
)


@given(POSTS, st.integers(24, 100))
def test_lines_fit(post: Post, width: int) -> None:
    """No line is wider than the terminal, and nothing of the text is missing."""
    drawn = draw(post, width, DARK)

    assert all(line.cell_len <= width for line in drawn)
    assert all("\n" not in line.plain for line in drawn)
    shown = "".join(line.plain for line in drawn).replace(" ", "")
    assert post.text.replace("\n", "").replace(" ", "") in shown
