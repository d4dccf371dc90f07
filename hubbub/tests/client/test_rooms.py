"""The rooms that a user belongs to."""

from __future__ import annotations

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from hubbub import wire
from hubbub.client.news import Happened, Named, Overheard, Reset, Waiting
from hubbub.client.rooms import Rooms

from .model import Reader, Room

TEA = wire.RoomInfo("r_tea", "tea", "", "public")
MILK = wire.RoomInfo("r_milk", "milk", "", "public")
MARKS = wire.Marks(0, 0, 0)


def own(body: wire.EventBody, q: int = 1) -> Happened:
    """Return an event of one's own stream."""
    return Happened(wire.Event(wire.ME, q, "any", 0, "u_ann", b"{}"), body)  # type: ignore[arg-type]


def filled() -> Rooms:
    """Return someone's rooms, of which there is one."""
    rooms = Rooms()
    rooms.learn(Reset(wire.ME, 1, 0, wire.InboxCopy([TEA], {"r_tea": wire.Marks(1, 2, 3)}), False))
    return rooms


def test_rooms_are_filled() -> None:
    """There is a view of each room, with what waits there, before anything of it has come."""
    rooms = filled()

    assert list(rooms) == ["r_tea"]
    assert (rooms["r_tea"].info, rooms["r_tea"].marks) == (TEA, wire.Marks(1, 2, 3))


def test_rooms_come_and_go() -> None:
    """Rooms that one comes to are there from then on, those that one leaves no longer."""
    rooms = filled()
    rooms.learn(own(wire.RoomAddedBody(MILK)))
    assert list(rooms) == ["r_tea", "r_milk"]
    rooms.learn(own(wire.RoomRemovedBody("r_tea", "kick")))
    assert list(rooms) == ["r_milk"]
    rooms.learn(Reset(wire.ME, 2, 0, wire.InboxCopy([TEA], {}), True))
    assert list(rooms) == ["r_tea"]


def test_marks_follow_the_inbox() -> None:
    """What was read, and who spoke of one, is known in the room that it is about."""
    rooms = filled()
    rooms.learn(own(wire.ReadBody("r_tea", 4, 1, 0)))
    rooms.learn(own(wire.MentionBody("r_tea", 6)))
    rooms.learn(own(wire.MentionBody("r_gone", 6)))

    assert rooms["r_tea"].marks == wire.Marks(4, 1, 1)
    rooms.learn(Waiting("r_tea", 9, 5, 2))
    assert rooms["r_tea"].marks == wire.Marks(4, 5, 2)


def test_news_go_to_their_room() -> None:
    """What a room's stream says changes that room, and what isn't followed changes nothing."""
    rooms = filled()
    body = wire.PostedBody("nonce-01", "hi")
    for room in ("r_tea", "r_other"):
        rooms.learn(Named(room, {"u_bo": wire.NameInfo("Bo")}))
        rooms.learn(Happened(wire.Event(room, 5, "msg.new", 0, "u_bo", b"{}"), body))  # type: ignore[arg-type]
        rooms.learn(Overheard(room, wire.PresenceInfo("u_cy", "Cy", "on"), None))

    assert [each.text for each in rooms["r_tea"].messages] == ["hi"]
    assert rooms["r_tea"].names == {"u_bo": "Bo", "u_cy": "Cy"}
    assert list(rooms) == ["r_tea"]


def test_reset_fills_a_room() -> None:
    """A copy of a room makes its view, or makes it anew."""
    rooms = filled()
    message = wire.MessageInfo(8, 8, 8, "u_bo", "n", "hi", 8)
    for room in (TEA, MILK):
        rooms.learn(Reset(room.id, 1, 8, wire.RoomCopy(room, MARKS, [message], False, {}), False))

    assert [[each.q for each in view.messages] for view in rooms.values()] == [[8], [8]]


BO = "u_bo"
HAPPENINGS = (
    "post", "post", "post", "call", "answer", "edit", "del", "react", "pin", "member", "room", "unknown",
    "read", "unread",
)  # fmt: skip
HEARINGS = ("hear", "hear", "catch up", "own", "own", "fill", "open", "badge", "lose")
PAGES = ("ask", "page", "take", "overtake", "overtake")
STEPS = st.lists(
    st.tuples(
        st.sampled_from((*HAPPENINGS, *HEARINGS, *PAGES)),
        st.integers(0, 30),
        st.integers(1, 5),
        st.booleans(),
    ),
    min_size=10,
    max_size=50,
)


def happen(room: Room, what: str, which: int, by: str, *, on: bool) -> None:
    """Let something happen that a server lets happen: nothing changes what is deleted."""
    messages = room.messages()
    alive = [q for q, each in messages.items() if each.deleted is None]
    roots = [q for q, each in messages.items() if each.th is None]
    some = alive[which % len(alive)] if alive else None
    match what:
        case "post":
            room.happen("msg.new", by, text="hi")
        case "call":
            room.happen("msg.new", BO, text=f"<@{room.me}>", **({"th": roots[-1]} if on and roots else {}))
        case "answer" if roots:
            room.happen("msg.new", by, text="hi", th=roots[which % len(roots)])
        case "edit" if some:
            room.happen("msg.edit", by, m=some, text=f"{messages[some].text}!")
        case "del" if some:
            th = messages[some].th
            room.happen("msg.del", by, m=some, **({} if th is None else {"th": th}))
        case "react" if some:
            room.happen("react", by, m=some, e="👍🎉"[which % 2], on=on)
        case "pin" if some:
            room.happen("pin", by, m=some, on=on)
        case "member":
            room.happen("member", by, op="rename", user={"id": BO, "name": f"Bo {which}"})
        case "room":
            info = wire.RoomInfo(room.name, f"tea {which}", "", "public")
            room.happen("room", by, room=msgspec.to_builtins(info))
        case "unknown":
            room.happen("poll", by, question="?")
        case "read" | "unread":
            before, up_to = room.marks().read, min(which, room.head)
            if up_to != before and (up_to > before or what == "unread"):
                room.read(up_to)


def hear(reader: Reader, what: str, which: int, few: int, *, on: bool) -> None:
    """Let the reader learn something, or ask."""
    room = reader.room
    match what:
        case "hear":
            reader.hear(late=False)
        case "catch up":
            while reader.at < room.head:
                reader.hear(late=True)
        case "own":
            reader.hear_own()
        case "fill":
            reader.fill(few)
        case "open" if not reader.own_first or reader.at == room.head:
            # Of what a copy counts nobody can tell later that a message without its text was one of them.
            reader.open()
        case "badge":
            reader.hear_badge()
        case "ask" if reader.view.oldest is not None:
            before = reader.view.oldest if which % 2 else which % (room.head + 1)
            reader.ask(few, None if on else before, which)
        case "page":
            reader.answer(which)
        case "take":
            reader.take()
        case "overtake" if reader.view.oldest is not None:
            reader.ask(3, reader.view.oldest, 0)
            reader.answer(-1)
            for change in (which % 4, few % 4):
                happen(room, ("edit", "del", "react", "answer")[change], few, BO, on=True)
            hear(reader, "catch up", which, few, on=on)
        case "lose" if room.head > 1:
            room.lose(few)
            reader.open()
            reader.fill(few, renumbered=True)


def play(steps: list[tuple[str, int, int, bool]], limit: int, *, own_first: bool = False) -> Reader:
    """Return who was told of all that happened, in some order."""
    room = Room()
    for _ in range(6):
        room.happen("msg.new", BO, text="hi")
    reader = Reader(room, limit, own_first=own_first)
    reader.fill(3)
    for what, which, few, on in steps:
        if what in HAPPENINGS:
            happen(room, what, which, room.me if few > 3 else BO, on=on)
        else:
            hear(reader, what, which, few, on=on)
    room.happen("poll", BO, question="!")
    while reader.own_at < len(room.own) or reader.at < room.head:
        reader.hear_own()
        reader.hear(late=True)
    return reader


def shown(message: wire.MessageInfo) -> object:
    """Return what there is to be seen of a message: of a deleted one neither its texts nor its nonce."""
    if message.deleted is not None:
        message = msgspec.structs.replace(message, n="", base=0, ed=None, re=None)
    return msgspec.to_builtins(message)


@settings(deadline=None, max_examples=300)
@given(STEPS, st.integers(2, 12))
def test_view_follows_the_room(steps: list[tuple[str, int, int, bool]], limit: int) -> None:
    """However it is told what happened, in the end the view is as the room is, as far as it reaches."""
    reader = play(steps, limit)
    view, messages = reader.view, reader.room.messages()
    here = {q: message for q in messages if (message := view.find(q)) is not None}

    assert {q: shown(each) for q, each in here.items()} == {q: shown(messages[q]) for q in here}
    assert len(here) == len(view) <= limit
    assert view._here.whole is not None
    assert all(q in here for q in messages if q >= view._here.whole)
    assert view.pins == [q for q, _ in reader.room.pins()]
    assert view.info is not None
    assert view.info.name == reader.room.title()


@settings(deadline=None, max_examples=300)
@given(STEPS, st.integers(2, 12))
def test_marks_follow_the_room(steps: list[tuple[str, int, int, bool]], limit: int) -> None:
    """Whichever of the two streams is ahead, in the end it is known what was read, and what waits."""
    reader = play(steps, limit)
    marks, view = reader.room.marks(), reader.view

    assert view.marks.read == marks.read
    if view._has_unread:
        event("counted")
        assert view.marks.unread == marks.unread


@settings(deadline=None, max_examples=300)
@given(STEPS)
def test_mentions_follow_the_room(steps: list[tuple[str, int, int, bool]]) -> None:
    """Who hears first what their own stream says knows in the end by how many messages they are called."""
    reader = play(steps, 1_000, own_first=True)

    if reader.view._has_unread:
        event("counted")
        assert reader.view.marks == reader.room.marks()
