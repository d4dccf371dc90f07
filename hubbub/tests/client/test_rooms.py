"""The rooms that a user belongs to."""

from __future__ import annotations

from hubbub import wire
from hubbub.client.news import Happened, Named, Overheard, Reset, Waiting
from hubbub.client.rooms import Rooms

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
