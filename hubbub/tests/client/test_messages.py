"""A room's messages, without the room."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hubbub import wire
from hubbub.client.messages import RoomMessages

from .scripted import message

ME, BO = "u_ann", "u_bo"


def event(q: int, by: str = BO) -> wire.Event:
    """Return what says when something happened, and by whom."""
    return wire.Event("r_tea", q, "", q, by, msgspec.Raw(b"{}"))


def filled(*numbers: int, limit: int = 100, more: bool = False) -> RoomMessages:
    """Return messages of these numbers, of which nothing else is known."""
    messages = RoomMessages(ME, limit)
    messages.fill(map(message, numbers), max(numbers, default=0), more=more)
    return messages


@given(st.lists(st.integers(1, 30)), st.integers(1, 10))
def test_numbers_ascend(numbers: list[int], limit: int) -> None:
    """In whatever order they come, each is here once, and only the oldest go."""
    messages = RoomMessages(ME, limit)
    for q in numbers:
        messages.put(message(q))
    messages.trim()

    kept = sorted(set(numbers))[-limit:]
    assert [each.q for each in messages] == kept
    assert messages.has_older == (len(set(numbers)) > limit)
    assert [each.q for each in messages.since(15)] == [q for q in kept if q >= 15]
    assert messages.oldest == (kept[0] if kept else None)


def test_older_events_change_nothing() -> None:
    """What a message went through already doesn't happen to it again."""
    messages = filled(1)
    messages.take_effect(event(5), wire.EditedBody("n", 1, "new"))
    messages.take_effect(event(4), wire.EditedBody("n", 1, "old"))

    found = messages.find(1)
    assert found is not None
    assert (found.text, found.rev, found.base) == ("new", 5, 5)


def test_reactions_are_folded() -> None:
    """Who reacts twice is there once, and an emoji of nobody's is gone."""
    messages = filled(1)
    found = messages.find(1)
    assert found is not None
    for q, by, on in ((2, BO, True), (3, BO, True), (4, ME, True), (5, BO, False)):
        messages.take_effect(event(q, by), wire.ReactedBody("n", 1, "👍", on))
    assert found.rx == {"👍": [ME]}
    messages.take_effect(event(6, ME), wire.ReactedBody("n", 1, "👍", False))

    assert found.rx == {}


def test_replies_are_counted() -> None:
    """A root knows how many answers it has, those included that aren't here."""
    messages = filled(1)
    root = messages.find(1)
    assert root is not None
    messages.take_effect(event(2), wire.PostedBody("n", "one", th=1))
    messages.take_effect(event(3), wire.PostedBody("n", "two", th=1))
    messages.take_effect(event(4), wire.DeletedBody("n", 2, th=1))

    assert (root.rc, root.rev) == (1, 4)


def test_pages_tell_what_is_whole() -> None:
    """From where on nothing lacks is known of a copy, and moves with pages that join it and what goes."""
    messages = filled(8, 9, limit=3, more=True)
    assert (messages.whole, messages.has_older) == (8, True)
    messages.reach([message(5)], 7, more=True)
    assert messages.whole == 8
    messages.reach([message(6)], 8, more=False)
    assert (messages.whole, messages.has_older) == (0, False)
    for q in (5, 6):
        messages.put(message(q), asof=9)
    messages.trim()

    assert ([each.q for each in messages], messages.whole, messages.has_older) == ([6, 8, 9], 6, True)


def test_calls_stay() -> None:
    """Whom a message calls is settled when it comes; one's own calls nobody."""
    messages = RoomMessages(ME, 10)
    for each in (message(1, f"<@{ME}>"), message(2), message(3, f"<@{ME}>", by=ME)):
        messages.put(each)
    messages.take_effect(event(4), wire.EditedBody("n", 1, "nobody"))

    assert [messages.calls(each) for each in messages] == [True, False, False]


def test_copy_is_taken_apart() -> None:
    """What is filled in is one's own: who gave it has it as it was."""
    given = message(1)
    messages = RoomMessages(ME, 10)
    messages.fill([given], 1, more=False)
    messages.take_effect(event(2), wire.DeletedBody("n", 1))

    found = messages.find(1)
    assert found is not None
    assert (given.text, found.text, found.deleted) == ("hi", "", 2)
