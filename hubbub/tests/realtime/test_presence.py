"""Who is shown to be here, when, and to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hubbub.domain.events import UserRenamed
from hubbub.domain.models import User
from hubbub.realtime import presence as module
from hubbub.realtime.hub import Hub
from hubbub.realtime.outbound import Outbound
from hubbub.realtime.presence import (
    _HERE,
    INTERVAL,
    OFFLINE_GRACE,
    SHOWN_USERS,
    SINGLE_CHANGES,
    Presence,
    _Someone,
)

ROOM = "r_x"
ANN = User("u_ann", "Ann", "guest")
BOB = User("u_bob", "Bob", "guest")


class Place:
    """A room with an onlooker in it, and those whom the test lets in."""

    def __init__(self, connect) -> None:
        self.hub = Hub()
        self.presence = Presence(self.hub)
        self._connect = connect
        self.heard: dict[Outbound, Any] = {}
        self.onlooker = connect()
        self.hub.subscribe(ROOM, Outbound(self.onlooker, lambda: None), "u_onlooker").go_live(0)

    def come(self, user: User) -> Outbound:
        """Let a user in, by a new connection."""
        outbound = self.connect(user)
        self.enter(outbound)
        return outbound

    def connect(self, user: User) -> Outbound:
        """Give a user a connection that is in no room."""
        connection = self._connect()
        outbound = Outbound(connection, lambda: None)
        self.heard[outbound] = connection.frames
        self.presence.connect(outbound, user)
        return outbound

    def enter(self, outbound: Outbound) -> None:
        """Let a connection into the room."""
        self.hub.subscribe(ROOM, outbound, "u_someone").go_live(0)
        self.presence.enter(ROOM, outbound)

    def told(self) -> list[Any]:
        """Take what the onlooker was told: name and state of single changes, or the number of all."""
        heard = [
            (frame["d"]["name"], frame["d"]["state"]) if frame["k"] == "pres" else frame["d"]["count"]
            for frame in self.onlooker.frames
        ]
        self.onlooker.frames.clear()
        return heard


@pytest.fixture
async def place(connect, loop_clock) -> Place:
    """Make a room."""
    return Place(connect)


async def test_arrival_is_told_at_once(place) -> None:
    """The first to come is told without delay."""
    place.come(ANN)

    assert place.told() == [("Ann", "on")]


async def test_changes_are_gathered(place, loop_clock) -> None:
    """What changes soon afterwards is told together, and only how it ended."""
    place.come(ANN)
    place.told()
    bob = place.come(BOB)
    place.presence.set_state(bob, "idle")
    assert place.told() == []

    await loop_clock.advance(INTERVAL)
    assert place.told() == [("Bob", "idle")]

    await loop_clock.advance(INTERVAL)
    place.presence.set_state(bob, "on")
    assert place.told() == [("Bob", "on")]


async def test_going_is_told_after_grace(place, loop_clock) -> None:
    """Someone who has gone is shown a while longer, and then no more."""
    ann = place.come(ANN)
    place.told()
    place.presence.disconnect(ann)

    await loop_clock.advance(OFFLINE_GRACE - 1)
    assert place.told() == []

    await loop_clock.advance(1)
    assert place.told() == [("Ann", "off")]


async def test_quick_return_goes_unnoticed(place, loop_clock) -> None:
    """Who comes back in time was never gone."""
    place.presence.disconnect(place.come(ANN))
    place.told()
    await loop_clock.advance(OFFLINE_GRACE - 1)
    place.come(ANN)
    await loop_clock.advance(OFFLINE_GRACE * 2)

    assert place.told() == []


async def test_user_with_two_devices_is_one(place, loop_clock) -> None:
    """A user is shown once, in the best state, and goes with the last connection."""
    phone, desk = place.come(ANN), place.come(ANN)
    place.presence.set_state(desk, "idle")
    await loop_clock.advance(INTERVAL)
    assert place.told() == [("Ann", "on")]

    place.presence.leave(ROOM, phone)
    await loop_clock.advance(INTERVAL)
    assert place.told() == [("Ann", "idle")]

    place.presence.leave(ROOM, desk)
    place.presence.leave(ROOM, desk)
    await loop_clock.advance(OFFLINE_GRACE)
    assert place.told() == [("Ann", "off")]


async def test_do_not_disturb_counts_everywhere(place, loop_clock) -> None:
    """One device that isn't to be disturbed speaks for all."""
    phone, _desk = place.come(ANN), place.come(ANN)
    place.presence.set_state(phone, "dnd")
    await loop_clock.advance(INTERVAL)

    assert place.told() == [("Ann", "on"), ("Ann", "dnd")]


async def test_invisible_user_is_not_shown(place, loop_clock) -> None:
    """Who is `off` from the start is never told of, neither coming nor going."""
    ann = place.connect(ANN)
    place.presence.set_state(ann, "off")
    place.enter(ann)
    listed = place.presence.enter(ROOM, place.connect(BOB))
    await loop_clock.advance(INTERVAL)
    place.presence.disconnect(ann)
    await loop_clock.advance(OFFLINE_GRACE)

    assert place.told() == [("Bob", "on")]
    assert "u_ann" not in listed.text


async def test_newcomer_is_shown_everyone(place) -> None:
    """Who enters gets the list of all who are here, oneself included."""
    place.come(ANN)
    bob = place.connect(BOB)

    frame = place.presence.enter(ROOM, bob)

    assert '{"id":"u_ann","name":"Ann","state":"on"}' in frame.text
    assert '{"id":"u_bob","name":"Bob","state":"on"}' in frame.text
    assert '"count":2' in frame.text


async def test_new_name_is_told(place, loop_clock) -> None:
    """A user who is here is shown by the new name; one who isn't, is no matter."""
    place.come(ANN)
    await loop_clock.advance(INTERVAL)
    place.told()

    place.presence.hear(UserRenamed(User("u_ann", "Anna", "guest")))
    place.presence.hear(UserRenamed(BOB))

    assert place.told() == [("Anna", "on")]


async def test_new_name_is_brought_along(place) -> None:
    """Who took another name before they came is shown by that one."""
    ann = place.connect(ANN)
    place.presence.hear(UserRenamed(User(ANN.id, "Anna", "guest")))
    place.enter(ann)

    assert place.told() == [("Anna", "on")]


async def test_new_name_is_told_of_the_absent(place, loop_clock) -> None:
    """Who takes another name while they may come back at once is still shown as they were."""
    place.presence.disconnect(place.come(ANN))
    await loop_clock.advance(INTERVAL)
    place.told()
    place.presence.hear(UserRenamed(User(ANN.id, "Anna", "guest")))
    await loop_clock.advance(INTERVAL)

    assert place.told() == [("Anna", "on")]
    shown = json.loads(place.presence.enter(ROOM, place.connect(BOB)).text)["d"]["users"]
    assert {"id": ANN.id, "name": "Anna", "state": "on"} in shown


async def test_crowd_is_not_gone_through(place, monkeypatch, loop_clock) -> None:
    """Showing a crowd to one more costs no more than showing few."""
    for number in range(SHOWN_USERS + 100):
        place.come(User(f"u_{number}", "X", "guest"))
    await loop_clock.advance(INTERVAL)
    looked = []
    monkeypatch.setattr(_Someone, "state", property(lambda someone: looked.append(someone) or _HERE))
    shown = json.loads(place.presence.enter(ROOM, place.connect(ANN)).text)["d"]

    assert shown == {"users": [], "count": SHOWN_USERS + 101}
    assert len(looked) < 10


async def test_crowd_is_shown_itself_once(place, loop_clock) -> None:
    """Of many who come at once the last are shown the room when all are, and not each for themselves."""
    people = [User(f"u_{n}", f"User {n}", "guest") for n in range(3 * SINGLE_CHANGES)]
    shown = [place.presence.enter(ROOM, place.connect(user)) for user in people]
    assert shown[SINGLE_CHANGES] is not None
    assert shown[-1] is None

    last = place.come(User("u_last", "Last", "guest"))
    await loop_clock.advance(INTERVAL)
    assert [frame["d"]["count"] for frame in place.heard[last]] == [len(people) + 1]


async def test_telling_is_bounded(connect, loop_clock, monkeypatch) -> None:
    """When telling costs too much, rooms take turns, and who enters meanwhile is told with the others."""
    frame = 400
    monkeypatch.setattr(module, "FRAME_BYTES", frame)
    monkeypatch.setattr(module, "BYTES_PER_SECOND", frame)
    monkeypatch.setattr(module, "BURST", 0.0)
    hub = Hub()
    presence, connections = Presence(hub), [connect() for _ in range(3)]
    for n, connection in enumerate(connections):
        outbound, user = Outbound(connection, lambda: None), User(f"u_{n}", f"User {n}", "guest")
        presence.connect(outbound, user)
        hub.subscribe(f"r_{n}", outbound, user.id).go_live(0)
        assert presence.enter(f"r_{n}", outbound) is None
    told = []
    for _ in range(8):
        told.append([bool(connection.frames) for connection in connections])
        await loop_clock.advance(1)

    assert told[0] == [True, False, False]
    assert told[1] == [True, False, False]
    assert told[-1] == [True, True, True]
    assert [True, True, False] in told
    for n, connection in enumerate(connections):
        [known] = [each["d"] for each in connection.frames if each["k"] == "pres.state"]
        assert (known["count"], known["users"][0]["name"]) == (1, f"User {n}")


async def test_who_leaves_is_told_nothing(connect, loop_clock, monkeypatch) -> None:
    """Who has left before their turn isn't told who is in the room."""
    monkeypatch.setattr(module, "BYTES_PER_SECOND", 1)
    hub, connection = Hub(), connect()
    presence, outbound = Presence(hub), Outbound(connection, lambda: None)
    presence.connect(outbound, ANN)
    presence.enter("r_y", outbound)
    presence.leave("r_y", outbound, at_once=True)
    presence.enter(ROOM, outbound)
    presence.leave(ROOM, outbound)
    await loop_clock.advance(100_000)

    assert not connection.frames


async def test_many_changes_are_one_list(place, loop_clock) -> None:
    """When many come at once, the room is told anew and not one by one."""
    for n in range(SINGLE_CHANGES + 2):
        place.come(User(f"u_{n}", f"User {n}", "guest"))
    await loop_clock.advance(INTERVAL)

    assert place.told() == [("User 0", "on"), SINGLE_CHANGES + 2]


async def test_crowd_is_only_counted(place, loop_clock) -> None:
    """In a crowd nobody is told who has come, only how many are here."""
    for n in range(SHOWN_USERS + 1):
        place.come(User(f"u_{n}", f"User {n}", "guest"))
    await loop_clock.advance(INTERVAL)
    place.told()

    place.come(ANN)
    await loop_clock.advance(INTERVAL)

    assert place.told() == [SHOWN_USERS + 2]


async def test_typing_is_told_to_others(place) -> None:
    """Everyone in the room hears who types, but none of that user's own connections."""
    ann, also_ann, bob = place.come(ANN), place.come(ANN), place.come(BOB)
    before = [len(place.heard[each]) for each in (ann, also_ann, bob)]

    place.presence.tell_typing(ROOM, ann, on=True)

    assert [len(place.heard[each]) for each in (ann, also_ann, bob)] == [before[0], before[1], before[2] + 1]
    assert place.heard[bob][-1] == {
        "t": "eph",
        "s": ROOM,
        "k": "typing",
        "d": {"user": {"id": "u_ann", "name": "Ann"}, "on": True},
        "ttl": 6,
    }


async def test_room_is_ones_own(place) -> None:
    """A connection is in the rooms that it has entered, and in no others."""
    ann = place.come(ANN)

    assert place.presence.is_in(ROOM, ann)
    assert not place.presence.is_in("r_y", ann)

    place.presence.leave(ROOM, ann)
    assert not place.presence.is_in(ROOM, ann)


async def test_who_is_put_out_is_gone_at_once(place, loop_clock) -> None:
    """Who was removed isn't shown any longer, unless by another connection that is still there."""
    desk, phone = place.come(ANN), place.come(ANN)
    place.told()
    place.presence.leave(ROOM, desk, at_once=True)
    await loop_clock.advance(INTERVAL)
    assert place.told() == []

    place.presence.leave(ROOM, phone, at_once=True)
    place.presence.leave(ROOM, phone, at_once=True)
    assert place.told() == [("Ann", "off")]


async def test_words_are_told(place, loop_clock) -> None:
    """What someone says of being here is told with it, and again when it changes."""

    def words() -> list[str | None]:
        heard = [frame["d"].get("text") for frame in place.onlooker.frames]
        place.onlooker.frames.clear()
        return heard

    desk, phone = place.come(ANN), place.come(ANN)
    words()
    place.presence.set_state(phone, "on", "on my way")
    await loop_clock.advance(INTERVAL)
    assert words() == ["on my way"]

    place.presence.set_state(desk, "dnd", "in class")
    await loop_clock.advance(INTERVAL)
    assert words() == ["in class"]
    assert json.loads(place.presence.enter(ROOM, phone).text)["d"]["users"] == [
        {"id": "u_ann", "name": "Ann", "state": "dnd", "text": "in class"}
    ]

    place.presence.set_state(desk, "on")
    place.presence.set_state(phone, "on")
    await loop_clock.advance(INTERVAL)
    assert words() == [None]


async def test_who_is_off_says_nothing(place, loop_clock) -> None:
    """Words of who isn't shown aren't either."""
    ann = place.come(ANN)
    place.told()
    place.presence.set_state(ann, "off", "hidden")
    await loop_clock.advance(INTERVAL)

    assert "hidden" not in str(place.onlooker.frames)


async def test_empty_room_is_forgotten(place, loop_clock) -> None:
    """Of a room that everybody has left nothing remains, whatever was told of it; who comes back is shown."""
    ann, bob = place.come(ANN), place.come(BOB)
    place.presence.leave(ROOM, ann)
    place.presence.disconnect(bob)
    await loop_clock.advance(OFFLINE_GRACE - INTERVAL)
    place.enter(ann)
    place.presence.set_state(ann, "off")
    place.presence.leave(ROOM, ann)
    before = len(place.presence._rooms)
    for _ in range(3):
        await loop_clock.advance(OFFLINE_GRACE)
    after = len(place.presence._rooms)
    place.told()
    place.come(BOB)

    assert (before, after) == (1, 0)
    assert place.told() == [("Bob", "on")]


async def test_flood_of_states_costs_little(place, monkeypatch, loop_clock) -> None:
    """Who says all the time how they are is gone through once in a while, and shown as they said last."""
    ann = place.come(ANN)
    await loop_clock.advance(INTERVAL)
    place.told()
    changed: list[Any] = []
    real = module._Room.change
    monkeypatch.setattr(module._Room, "change", lambda *given: changed.append(given) or real(*given))
    for state in ["idle", "dnd", "on"] * 100 + ["idle"]:
        place.presence.set_state(ann, state)
    await loop_clock.advance(INTERVAL)
    await loop_clock.advance(INTERVAL)

    assert len(changed) == 2
    assert place.told() == [("Ann", "idle")]


async def test_who_is_gone_says_nothing(place, loop_clock) -> None:
    """What somebody said just before they left is forgotten with them."""
    ann = place.come(ANN)
    place.presence.set_state(ann, "idle")
    place.presence.set_state(ann, "dnd")
    place.presence.disconnect(ann)
    await loop_clock.advance(INTERVAL)
    await loop_clock.advance(OFFLINE_GRACE)

    assert place.told()[-1] == ("Ann", "off")


async def test_rooms_share_what_they_were_told(connect, loop_clock) -> None:
    """One record of someone serves all rooms of which it is true, and no room changes another's."""
    hub = Hub()
    presence, rooms = Presence(hub), [f"r_{n}" for n in range(3)]
    ann, again = (Outbound(connect(), lambda: None) for _ in range(2))
    onlookers = [connect() for _ in rooms]
    for room, onlooker in zip(rooms, onlookers, strict=True):
        hub.subscribe(room, Outbound(onlooker, lambda: None), "u_onlooker").go_live(0)

    def records() -> list[_Someone]:
        return [presence._rooms[room].people[ANN.id] for room in rooms]

    async def told() -> list[list[str]]:
        await loop_clock.advance(INTERVAL)
        heard = [[frame["d"]["state"] for frame in onlooker.frames] for onlooker in onlookers]
        for onlooker in onlookers:
            onlooker.frames.clear()
        return heard

    presence.connect(ann, ANN)
    for room in rooms:
        presence.enter(room, ann)
    assert await told() == [["on"]] * 3
    assert len(set(map(id, records()))) == 1

    presence.connect(again, ANN)
    presence.enter(rooms[0], again)
    presence.leave(rooms[1], ann, at_once=True)
    presence.enter(rooms[1], again)
    presence.set_state(ann, "idle")
    assert await told() == [[], ["off", "on"], ["idle"]]
    presence.set_state(again, "dnd")
    assert await told() == [["dnd"], ["dnd"], []]

    presence.disconnect(again)
    await loop_clock.advance(OFFLINE_GRACE)
    presence.hear(UserRenamed(User(ANN.id, "Annie", "guest")))
    presence.enter(rooms[1], ann)
    assert await told() == [["idle", "idle"], ["off", "idle"], ["idle"]]
    assert len(set(map(id, records()))) == 1
    assert records()[0].name == "Annie"
