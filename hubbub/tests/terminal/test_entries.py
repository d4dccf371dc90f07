"""What a timeline consists of."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from hubbub import wire
from hubbub.terminal.entries import Day, Edge, Fresh, Post, Quote, Reaction, compose
from hubbub.terminal.outgoing import Draft
from hubbub.terminal.words import ZH

from .rooms import BO, ME, context, make_view, message


def posts(*messages: wire.MessageInfo, drafts: tuple[Draft, ...] = (), **looks: object) -> list[Post]:
    """Return how messages are shown."""
    entries = compose(make_view(*messages), drafts, context(**looks))
    return [entry for entry in entries if isinstance(entry, Post)]


def test_room_has_a_beginning() -> None:
    """Above the first message stands where the room begins, or that there is more."""
    assert compose(make_view(), (), context())[:1] == [Edge("This is where tea begins.")]
    assert compose(make_view(more=True), (), context()) == [Edge("Loading older messages…")]
    assert compose(make_view(), (), context())[1:] == [
        Edge("Say something. It's quiet here so far.", "empty")
    ]


def test_days_are_apart() -> None:
    """Each day has its name above its first message."""
    view = make_view(message(1), message(2, minute=24 * 60), message(3, minute=24 * 60 + 1))
    kinds = [type(entry) for entry in compose(view, (), context())]

    assert kinds == [Edge, Day, Post, Day, Post, Post]
    assert [entry.text for entry in compose(view, (), context(ZH)) if isinstance(entry, Day)] == [
        "3月14日 星期六",
        "3月15日 星期日",
    ]


def test_messages_are_grouped() -> None:
    """What someone says within some minutes stands under one name, unless it answers something."""
    shown = posts(
        message(1),
        message(2, minute=4),
        message(3, minute=10),
        message(4, minute=11, by=ME),
        message(5, minute=12, by=ME, re=1),
    )

    assert [post.opens for post in shown] == [True, False, True, True, True]
    assert [(post.author, post.time) for post in shown[:1]] == [("Bo", "09:00")]


def test_new_messages_have_a_line() -> None:
    """What wasn't read is below a line, which stands above the first that others wrote."""
    view = make_view(message(1), message(2, by=ME), message(3), message(4))
    entries = compose(view, (), context(fresh_after=1))
    fresh = next(index for index, entry in enumerate(entries) if isinstance(entry, Fresh))

    assert isinstance(entries[fresh + 1], Post)
    assert entries[fresh + 1].key == 3
    assert sum(isinstance(entry, Fresh) for entry in entries) == 1
    assert not any(isinstance(entry, Fresh) for entry in compose(view, (), context(fresh_after=4)))


def test_answers_quote() -> None:
    """An answer shows what it answers, in one line; what isn't here is said not to be."""
    shown = posts(
        message(1, "one\ntwo"), message(2, re=1), message(3, re=99), message(4, deleted=1), message(5, re=4)
    )

    assert shown[1].quote == Quote(BO, "Bo", "one two")
    assert shown[2].quote == Quote("", "", "a message that isn't loaded")
    assert shown[4].quote == Quote(BO, "Bo", "Message deleted")


def test_changes_are_marked() -> None:
    """Edited and pinned messages say so, deleted ones say nothing else."""
    shown = posts(
        message(1, ed=5, pin=6, rx={"👍": [BO, ME], "🎉": [BO]}, rc=2), message(2, "", deleted=7, ed=5)
    )

    assert shown[0].marks == ("edited", "pinned")
    assert shown[0].reactions == (Reaction("👍", 2, True), Reaction("🎉", 1, False))
    assert shown[0].replies == "2 replies in its thread"
    assert (shown[1].text, shown[1].state, shown[1].marks) == ("Message deleted", "deleted", ())


def test_people_are_called_by_name() -> None:
    """Whoever is spoken of goes by their name; that it is oneself is known."""
    shown = posts(message(1, f"<@{ME}> and <@u_9>"), message(2, f"<@{BO}>"))

    assert (shown[0].text, shown[0].calls_me) == ("@Me and @u_9", True)
    assert shown[0].called == (("u_9", "u_9"), (ME, "Me"))
    assert not shown[1].calls_me


def test_own_drafts_come_last() -> None:
    """What isn't in the room yet stands below it, and says what it waits for."""
    draft, refused = Draft("a", "r_tea", "soon"), Draft("b", "r_tea", "never", refused="too_long")
    shown = posts(message(1, by=ME), drafts=(draft, refused))
    away = posts(drafts=(draft,), is_connected=False)

    assert [(post.state, post.opens) for post in shown[1:]] == [("sending", False), ("refused", False)]
    assert shown[1].marks == ("sending…",)
    assert shown[2].note.startswith("This message is too long. (")
    assert (away[0].marks, away[0].opens, away[0].author) == (("waiting for the connection…",), True, "Me")


def test_times_are_local() -> None:
    """The clock on the wall is shown, of where one is."""
    assert [post.time for post in posts(message(1, minute=59.99))] == ["09:59"]


@given(st.text(), st.text(min_size=1))
def test_nothing_commands_the_terminal(text: str, name: str) -> None:
    """Whatever others write, and are called, can't reach the terminal as it is."""
    view = make_view(message(1, text, rx={text: [BO]}), message(2, re=1, text=f"<@{BO}>"), **{BO: name})
    for entry in compose(view, [Draft("a", "r_tea", text)], context()):
        for each in fields(entry):
            check(getattr(entry, each.name))


def check(shown: object) -> None:
    """Find controls in what is shown, however deep."""
    if isinstance(shown, str):
        assert all(character == "\n" or not is_control(character) for character in shown)
    elif isinstance(shown, tuple):
        for each in shown:
            check(each)
    elif isinstance(shown, Quote | Reaction):
        for each in fields(shown):
            check(getattr(shown, each.name))


def is_control(character: str) -> bool:
    """Say whether a terminal may do something at this."""
    return ord(character) < 32 or 0x7F <= ord(character) < 0xA0
