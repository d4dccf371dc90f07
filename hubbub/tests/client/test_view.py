"""A room as it is to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hubbub import wire
from hubbub.client.news import Happened, Named, Reset
from hubbub.client.view import RoomView

from .scripted import event, told

ME, BO = "u_ann", "u_bo"


def happened(q: int, k: str, by: str = BO, **d: object) -> Happened:
    """Return an event of the room."""
    return told(event(q, k=k) | {"by": by, "d": d})


def posted(q: int, text: str = "hi", by: str = BO, **more: object) -> Happened:
    """Return that a message came."""
    return happened(q, "msg.new", by, n=f"nonce-{q:03}", text=text, **more)


def view_of(*events: Happened, **options: Any) -> RoomView:
    """Return the view of who saw these events."""
    view = RoomView("r_tea", ME, **options)
    for each in events:
        view.happened(each)
    return view


def show(view: RoomView) -> object:
    """Return all messages that a view has."""
    return [msgspec.to_builtins(message) for message in view._here]


def reset(
    view: RoomView, *messages: wire.MessageInfo, unread: int = 0, pins: Iterable[tuple[int, int]] = ()
) -> None:
    """Fill a view anew."""
    room = wire.RoomInfo("r_tea", "tea", "", "public")
    marks = wire.Marks(3, unread, 0)
    copy = wire.RoomCopy(room, marks, list(messages), True, {BO: wire.NameInfo("Bo")}, list(pins))
    view.reset(Reset("r_tea", 1, 9, copy, False))


def test_changes_are_folded() -> None:
    """A message is as the last change made it."""
    view = view_of(
        posted(1),
        happened(2, "msg.edit", n="n", m=1, text="hello"),
        happened(3, "react", n="n", m=1, e="👍", on=True),
        happened(4, "react", ME, n="n", m=1, e="👍", on=True),
        happened(5, "react", n="n", m=1, e="👍", on=False),
        happened(6, "pin", n="n", m=1, on=True),
    )
    [message] = view.messages

    assert (message.text, message.base, message.ed, message.rev) == ("hello", 2, 2, 6)
    assert (message.rx, message.pin) == ({"👍": [ME]}, 6)
    assert view.pinned == [message]


def test_deleted_message_says_nothing() -> None:
    """Of what was taken back only its place is left, and that it was there."""
    view = view_of(
        posted(1),
        happened(2, "react", n="n", m=1, e="👍", on=True),
        happened(3, "pin", n="n", m=1, on=True),
        happened(4, "msg.del", n="n", m=1),
    )
    [message] = view.messages

    assert (message.text, message.deleted, message.rx, message.pin) == ("", 4, {}, None)
    assert view.pinned == []


def test_old_pins_are_folded() -> None:
    """What is pinned is known though the messages aren't here, and follows the events."""
    view = view_of()
    reset(view, pins=[(2, 8), (1, 7), (3, 6)])
    assert view.pins == [2, 1, 3]

    for change in (
        happened(10, "pin", n="n", m=3, on=True),
        happened(11, "pin", n="n", m=1, on=False),
        happened(12, "msg.del", n="n", m=2),
        happened(13, "pin", n="n", m=4, on=True),
    ):
        view.happened(change)

    assert view.pins == [4, 3]
    assert view.pinned == []


def test_forgotten_message_keeps_its_place() -> None:
    """Whoever reads late what was deleted since sees what the others see."""
    view = view_of(happened(1, "msg.new"), happened(2, "msg.edit"), happened(3, "msg.del", n="n", m=1))

    assert [(each.q, each.text, each.deleted) for each in view.messages] == [(1, "", 3)]


def test_forgotten_answer_goes_to_its_thread() -> None:
    """What was deleted before it was heard of counts nowhere, and leaves the timeline for its thread."""
    view = view_of(posted(1), posted(2, th=1), happened(3, "msg.new"))
    assert view.marks.unread == 1
    view.happened(happened(4, "msg.del", n="n", m=3, th=1))

    assert [each.q for each in view.messages] == [1]
    assert [each.q for each in view.thread(1)] == [2, 3]
    root = view.find(1)
    assert root is not None
    assert (root.rc, root.rev, view.marks.unread) == (1, 4, 1)


def test_deleted_answer_is_not_here() -> None:
    """A thread has one message less, whether or not that message is here."""
    view = view_of()
    reset(view, wire.MessageInfo(1, 2, 1, BO, "n", "hi", 1, rc=1))
    view.happened(happened(10, "msg.del", n="n", m=2, th=1))

    root = view.find(1)
    assert root is not None
    assert (root.rc, root.rev) == (0, 10)


def test_overtaken_page_is_made_up_for() -> None:
    """What happened while a page was on its way happens to its messages, once."""
    view = view_of()
    reset(view)
    with view.expect_page() as expected:
        for change in (
            happened(10, "msg.edit", n="n", m=3, text="hello"),
            posted(11, th=3),
            happened(12, "msg.del", n="n", m=4),
        ):
            view.happened(change)
    page = [wire.MessageInfo(q, 9, q, BO, "n", "hi", q) for q in (3, 4)]
    view.add_page(page, 9, expected.overtaking)
    view.add_page(page, 9, expected.overtaking)

    three, four, _ = map(view.find, (3, 4, 11))
    assert three is not None and four is not None  # noqa: PT018
    assert (three.text, three.base, three.rc, three.rev) == ("hello", 10, 1, 11)
    assert (four.deleted, four.rev) == (12, 12)


def test_reset_voids_pages() -> None:
    """A page that was asked for before the room was filled anew is no longer expected."""
    view = view_of(posted(1))
    with view.expect_page() as before:
        reset(view)
    with view.expect_page() as after:
        pass

    assert (before.void, after.void) == (True, False)


def test_read_elsewhere_is_counted_once() -> None:
    """What one's own stream told of already isn't counted again by the room's events; all here is counted."""
    view = view_of(posted(1))
    view.mark(wire.ReadBody("r_tea", 2, 3, 0), 9)
    for q in (2, 3, 4, 5, 6):
        view.happened(posted(q))
    assert view.marks == wire.Marks(2, 4, 0)
    view.mark(wire.ReadBody("r_tea", 4, 1, 0), 5)
    assert view.marks == wire.Marks(4, 2, 0)


def test_badge_is_not_counted_twice() -> None:
    """What a badge told of isn't counted again when the room is heard of in full."""
    view = view_of(posted(1))
    view.wait(3, 3, 0)
    assert view.marks.unread == 3
    for q in (2, 3, 4):
        view.happened(posted(q))
    assert view.marks.unread == 4


def test_unfollowed_room_is_told() -> None:
    """Of a room that isn't followed what one's own stream says is all there is to know."""
    view = view_of(posted(1))
    view.unfollow()
    view.mark(wire.ReadBody("r_tea", 1, 7, 0), 9)

    assert view.marks.unread == 7


def test_threads_are_apart() -> None:
    """Answers in a thread are counted by their root, and are not among the others."""
    view = view_of(posted(1), posted(2, th=1), posted(3, th=1), happened(4, "msg.del", n="n", m=2))

    assert [each.q for each in view.messages] == [1]
    assert [each.q for each in view.thread(1)] == [2, 3]
    root = view.find(1)
    assert root is not None
    assert (root.rc, root.rev) == (1, 4)


def test_unread_is_counted() -> None:
    """Others' messages wait until one reads them or writes outside of threads, where none waits."""
    view = view_of(posted(1), posted(2), posted(3, th=1), posted(4, f"<@{ME}>"))
    view.mentioned(wire.MentionBody("r_tea", 4))
    assert view.marks == wire.Marks(0, 3, 1)
    view.happened(happened(5, "msg.del", n="n", m=4))
    assert view.marks == wire.Marks(0, 2, 0)
    view.happened(posted(6, by=ME, th=1))
    assert view.marks == wire.Marks(0, 2, 0)
    view.happened(posted(7, by=ME))
    assert view.marks == wire.Marks(7, 0, 0)
    view.mark(wire.ReadBody("r_tea", 1, 2, 0), 8)
    assert view.marks == wire.Marks(1, 2, 0)


def test_edit_changes_no_mention() -> None:
    """Whom a message calls is settled when it is posted, and that is what deleting it takes back."""
    view = view_of(posted(1, f"<@{ME}>"), posted(2), posted(3, f"<@{ME}>"))
    view.mark(wire.ReadBody("r_tea", 0, 3, 2), 3)
    view.happened(happened(4, "msg.edit", n="n", m=1, text="nobody"))
    view.happened(happened(5, "msg.edit", n="n", m=2, text=f"<@{ME}>"))
    view.happened(happened(6, "msg.del", n="n", m=1))
    view.happened(happened(7, "msg.del", n="n", m=2))

    assert view.marks == wire.Marks(0, 1, 1)


def test_own_message_waits_again() -> None:
    """Whoever marks an own message as unread has it waiting like others, until it is deleted."""
    view = view_of(posted(1), posted(2, f"<@{ME}>", by=ME), posted(3, f"<@{ME}>"))
    view.mark(wire.ReadBody("r_tea", 1, 2, 1), 3)
    view.happened(happened(4, "msg.del", n="n", m=2))

    assert view.marks == wire.Marks(1, 1, 1)


def test_reset_replaces_everything() -> None:
    """A fresh copy is believed, whatever was there."""
    view = view_of(posted(1), posted(2))
    message = wire.MessageInfo(8, 8, 8, BO, "n", "hi", 8)
    reset(view, message, unread=4)

    assert [each.q for each in view.messages] == [8]
    assert (view.marks.unread, view.has_older, view.name(BO), view.name("u_x")) == (4, True, "Bo", "u_x")


def test_copy_is_ones_own() -> None:
    """What the view changes is its own: what the program was told stays as it was."""
    view = RoomView("r_tea", ME)
    message = wire.MessageInfo(8, 8, 8, BO, "n", "hi", 8)
    reset(view, message)
    view.happened(happened(9, "react", n="n", m=8, e="👍", on=True))

    assert (message.rev, message.rx) == (8, {})


def test_oldest_messages_go() -> None:
    """There are never more than may be; those that went are older ones."""
    view = view_of(*(posted(q) for q in range(1, 8)), limit=3)

    assert [each.q for each in view.messages] == [5, 6, 7]
    assert (len(view), view.has_older) == (3, True)


def test_people_and_rooms_are_known() -> None:
    """What people and the room are called, and who is there, is as it was said last."""
    view = view_of(happened(1, "member", op="join", user={"id": BO, "name": "Bo"}))
    view.named(Named("r_tea", {"u_cy": wire.NameInfo("Cy")}))
    view.happened(happened(2, "member", op="rename", user={"id": BO, "name": "Bob"}))
    view.happened(
        happened(3, "room", room={"id": "r_tea", "name": "milk", "topic": "", "visibility": "public"})
    )
    view.overheard(wire.PresenceList([wire.PresenceInfo("u_di", "Di", "on")], 1))
    view.overheard(wire.PresenceInfo(BO, "Bob", "idle"))
    view.overheard(wire.PresenceInfo("u_di", "Di", "off"))
    view.overheard(wire.TypingInfo(wire.UserInfo("u_ed", "Ed"), True))

    assert view.names == {BO: "Bob", "u_cy": "Cy", "u_di": "Di", "u_ed": "Ed"}
    assert list(view.present) == [BO]
    assert view.info is not None
    assert view.info.name == "milk"


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("post", "answer", "edit", "del", "react", "pin")),
        st.integers(0, 20),
        st.booleans(),
        st.sampled_from((ME, BO)),
    ),
    max_size=25,
)


def make_events(changes: list[tuple[str, int, bool, str]]) -> list[Happened]:
    """Return events as a server would store them: of messages that are there and not deleted."""
    events = [posted(1)]
    alive = {1: 0}
    for what, which, on, by in changes:
        q = len(events) + 1
        target = list(alive)[which % len(alive)] if alive else None
        if what == "post" or target is None:
            events.append(posted(q, by=by))
            alive[q] = 0
        elif what == "answer":
            events.append(posted(q, by=by, th=alive[target] or target))
            alive[q] = alive[target] or target
        else:
            more = {"edit": {"text": f"text {q}"}, "react": {"e": "👍", "on": on}, "pin": {"on": on}}.get(
                what, {}
            )
            kind = f"msg.{what}" if what in {"edit", "del"} else what
            events.append(happened(q, kind, by, n="n", m=target, **more))
            if what == "del":
                del alive[target]
    return events


@given(CHANGES, st.data())
def test_newer_pages_change_nothing(changes: list[tuple[str, int, bool, str]], data: st.DataObject) -> None:
    """Whenever pages come, and however new or old they are: in the end the room is as its events made it."""
    events = make_events(changes)
    view = RoomView("r_tea", ME)
    for each in events:
        asof = data.draw(st.integers(0, len(events)))
        page = list(view_of(*events[:asof])._here)
        if page:
            view.add_page(data.draw(st.lists(st.sampled_from(page), max_size=3)), asof)
        view.happened(each)

    assert show(view) == show(view_of(*events))


def test_older_page_tells_of_more() -> None:
    """The page before the first message says whether that is the beginning; any other page says nothing."""
    view = view_of(posted(8), posted(9))
    older = wire.MessageInfo(7, 7, 0, BO, "n", "hi", 7)
    view.add_older([older], 9, before=8, more=True)
    assert (view.has_older, view.oldest) == (True, 7)
    view.add_older([], 9, before=9, more=False)
    assert view.has_older
    view.add_older([], 9, before=7, more=False)
    assert not view.has_older


def test_limit_can_be_raised() -> None:
    """Who reads far back keeps what they read, as long as they want it."""
    view = view_of(*(posted(q) for q in range(4, 8)), limit=4)
    view.limit = 6
    older = [wire.MessageInfo(q, q, 0, BO, "n", "hi", q) for q in (2, 3)]
    view.add_older(older, 7, before=4, more=True)
    assert [each.q for each in view.messages] == [2, 3, 4, 5, 6, 7]
    view.limit = 4
    view.happened(posted(8))
    assert [each.q for each in view.messages] == [5, 6, 7, 8]
