"""What is told of a room that isn't on the screen."""

from __future__ import annotations

import pytest

from hubbub import wire
from hubbub.actions.read_marks import Waiting
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import LOBBY, Head, Marks
from hubbub.realtime.badge import INTERVAL, Badge
from hubbub.realtime.caller import Caller


class Room:
    """A room whose state the test sets; it is read without a database."""

    def __init__(self) -> None:
        self.unread = 0
        self.error: Exception | None = None
        self.is_lost = False
        self.reads = 0

    async def find(self, *_: object) -> Waiting | None:
        self.reads += 1
        if self.error is not None:
            raise self.error
        if self.is_lost:
            return None
        return Waiting(Head("r_x", 1, 10 + self.unread), Marks(10, self.unread, 0))


@pytest.fixture
def room() -> Room:
    """Make a room."""
    return Room()


@pytest.fixture
async def badge(ann, room) -> Badge:
    """Make a badge of the room for Ann."""
    return Badge(Caller(ann.user, b"", ann.outbound), "r_x", room)


def told(ann) -> list[int]:
    """Take how much was said to wait."""
    return [frame["d"]["unread"] for frame in ann.heard("eph")]


async def test_badge_is_told_at_once(ann, badge, room, loop_clock) -> None:
    """The first change is told without delay."""
    room.unread = 3
    badge.note()
    await loop_clock.settle()

    assert ann.heard("eph") == [
        {"t": "eph", "s": "r_x", "k": "badge", "d": {"head": 13, "unread": 3, "mentions": 0}}
    ]


async def test_changes_are_gathered(ann, badge, room, loop_clock) -> None:
    """However much happens, it is told once in a while, and in the end as it is."""
    for room.unread in range(1, 50):
        badge.note()
        await loop_clock.settle()
    assert told(ann) == [1]

    await loop_clock.advance(INTERVAL)
    assert told(ann) == [49]
    await loop_clock.advance(INTERVAL)
    assert (told(ann), room.reads) == ([], 2)


async def test_failed_badge_is_told_later(ann, badge, room, loop_clock) -> None:
    """When the database fails, or the connection is full, the last change is told when that is over."""
    room.unread, room.error = 1, ChatError(Code.UNAVAILABLE)
    badge.note()
    await loop_clock.settle()
    room.error = None
    assert told(ann) == []
    await loop_clock.advance(INTERVAL)
    assert told(ann) == [1]


async def test_full_connection_is_told_later(ann, badge, room, loop_clock, monkeypatch) -> None:
    """What a connection can't take now isn't lost."""
    room.unread = 1
    with monkeypatch.context() as patch:
        patch.setattr("hubbub.realtime.outbound.QUEUE_FRAMES", -1)
        badge.note()
        await loop_clock.settle()
    assert (told(ann), room.reads) == ([], 0)

    await loop_clock.advance(INTERVAL)
    assert told(ann) == [1]


@pytest.mark.parametrize("error", [None, RuntimeError("a bug")], ids=repr)
async def test_lost_room_is_given_up(ann, badge, room, loop_clock, caplog, error) -> None:
    """What can't be read at all is left; a mistake of ours is logged."""
    room.error, room.is_lost = error, True
    badge.note()
    await loop_clock.settle()
    await loop_clock.advance(INTERVAL)

    assert (told(ann), room.reads) == ([], 1)
    assert ("a bug" in caplog.text) == isinstance(error, RuntimeError)


async def test_cancelled_badge_is_silent(ann, badge, room, loop_clock) -> None:
    """Nothing is told afterwards, and cancelling twice is cancelling."""
    badge.cancel()
    badge.note()
    badge.cancel()
    badge.cancel()
    await loop_clock.settle()

    assert (told(ann), room.reads) == ([], 0)


@pytest.fixture
async def cleo(make_peer):
    """Let Cleo in, whose program shows badges."""
    return await make_peer("Cleo", features=frozenset({wire.BADGE}))


async def test_badge_takes_the_place_of_events(ann, cleo, loop_clock) -> None:
    """At this level one hears how much waits, and neither the events nor who is there."""
    await ann.ask("sub", s=LOBBY)
    answer = await cleo.ask("sub", s=LOBBY, lvl="badge")
    posted = await ann.send("nonce-01", f"<@{cleo.user.id}>")
    await ann.tell("typing", s=LOBBY, on=True)
    badge = await cleo.connection.hear()

    head = posted["q"] - 1
    assert answer.keys() == {"t", "id", "epoch", "head", "mode", "me"}
    assert (answer["mode"], answer["head"]) == ("badge", head)
    assert answer["me"] == {"read": head, "unread": 0, "mentions": 0}
    assert not cleo.connection.frames
    assert (badge["s"], badge["k"]) == (LOBBY, "badge")
    assert badge["d"] == {"head": posted["q"], "unread": 1, "mentions": 1}
    assert not ann.shared.presence.is_in(LOBBY, cleo.outbound)
    assert cleo.shared.hub.heads(cleo.outbound) == {}


async def test_levels_replace_each_other(ann, cleo, loop_clock) -> None:
    """Asking for another level ends the one before, and so does unsubscribing."""
    await cleo.ask("sub", s=LOBBY, lvl="badge")
    await cleo.ask("sub", s=LOBBY)
    await ann.send("nonce-01")
    await loop_clock.settle()
    assert [frame["t"] for frame in cleo.connection.frames if frame.get("k") != "pres"] == ["eph", "ev"]

    await cleo.ask("sub", s=LOBBY, lvl="badge")
    assert not ann.shared.presence.is_in(LOBBY, cleo.outbound)
    await cleo.ask("unsub", s=LOBBY)
    cleo.connection.frames.clear()
    await ann.send("nonce-02")
    await loop_clock.settle()
    assert not cleo.connection.frames


async def test_badge_ends_with_membership(ann, cleo, loop_clock) -> None:
    """Who is put out of a room hears no more of what waits there, not even what was about to be told."""
    garden = (await ann.call("room.create", "nonce-01", name="garden"))["r"]["room"]["id"]
    await cleo.call("room.join", "nonce-02", s=garden)
    await cleo.ask("sub", s=garden, lvl="badge")
    await ann.send("nonce-03", s=garden)
    assert (await cleo.connection.hear())["d"]["unread"] == 1
    await ann.send("nonce-04", s=garden)
    await ann.call("member.kick", "nonce-05", s=garden, user=cleo.user.id)
    await ann.send("nonce-06", s=garden)
    await loop_clock.advance(INTERVAL)

    assert cleo.heard("eph") == []
    assert list(cleo.shared.hub.streams(cleo.outbound)) == []


async def test_badges_are_for_rooms(ann, cleo) -> None:
    """Who didn't ask for the feature has no badges, and one's own stream has none."""
    assert (await ann.ask("sub", s=LOBBY, lvl="badge"))["code"] == "invalid"
    assert (await cleo.ask("sub", s="me", lvl="badge"))["code"] == "invalid"
    assert (await cleo.ask("sub", s="r_nowhere", lvl="badge"))["code"] == "not_found"
    assert list(cleo.shared.hub.streams(cleo.outbound)) == []


async def test_closed_connection_reads_nothing(ann, cleo, loop_clock, room) -> None:
    """When a connection is gone, nothing is read for it."""
    badge = Badge(Caller(cleo.user, b"", cleo.outbound), LOBBY, cleo.shared.database)
    cleo.requests._subscriptions._badges[LOBBY] = badge
    badge.note()
    cleo.requests.close()
    await loop_clock.settle()

    assert room.reads == 0
