"""Who hears what, and from when on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub import wire
from hubbub.domain.events import SessionRevoked, StoredEvent
from hubbub.realtime.hub import HELD, LATEST, Hub, Subscription
from hubbub.realtime.outbound import Outbound


def event(stream: str, q: int) -> StoredEvent:
    """Make an event."""
    return StoredEvent(stream, q, "msg.new", 5, "u_ann", f'{{"text":"{q}"}}')


def change(q: int, op: str, user: str = "u_ann") -> StoredEvent:
    """Make an event of a member."""
    return StoredEvent("r_x", q, "member", 5, "u_bob", f'{{"op":"{op}","user":{{"id":"{user}","name":"A"}}}}')


def numbers(connection) -> list[int]:
    """Take what was heard, by number."""
    heard = [frame["q"] for frame in connection.frames]
    connection.frames.clear()
    return heard


@pytest.fixture
def hub() -> Hub:
    """Make a hub that nobody has subscribed at."""
    return Hub()


async def test_live_subscriber_hears_events(hub, outbound, connection) -> None:
    """Events of the stream are delivered as they come, and of no other stream."""
    hub.subscribe("r_x", outbound, "u_ann").go_live(0)

    for each in (event("r_x", 1), event("r_y", 1), SessionRevoked("s"), event("r_x", 2)):
        hub.hear(each)

    assert connection.frames[0] == {
        "t": "ev",
        "s": "r_x",
        "q": 1,
        "k": "msg.new",
        "ts": 5,
        "by": "u_ann",
        "d": {"text": "1"},
    }
    assert numbers(connection) == [1, 2]


@pytest.mark.parametrize("others", [0, 5, LATEST])
def test_moving_inboxes_are_known(hub, others) -> None:
    """Whether an inbox has moved since some moment is known; if there was too much, it may have."""
    hub.hear(event("u_ann", 1))
    since = hub.heard
    assert not hub.has_moved("u_ann", since)
    hub.hear(event("r_x", 1))
    for number in range(others):
        hub.hear(event(f"u_{number}", 1))
    assert not hub.has_moved("u_ann", since)

    hub.hear(event("u_bob", 1))
    assert hub.has_moved("u_bob", since)
    assert hub.has_moved("u_ann", since) is (others == LATEST)


async def test_nothing_falls_between_copy_and_live(hub, outbound, connection) -> None:
    """Events that come while the copy is read follow it, each once."""
    subscription = hub.subscribe("r_x", outbound, "u_ann")
    for q in (4, 5, 6, 7):
        hub.hear(event("r_x", q))
    assert numbers(connection) == []

    subscription.go_live(5)
    hub.hear(event("r_x", 7))
    hub.hear(event("r_x", 8))

    assert numbers(connection) == [6, 7, 8]


async def test_late_event_is_no_news(hub, outbound, connection) -> None:
    """An event that the copy has already isn't delivered again."""
    hub.subscribe("r_x", outbound, "u_ann").go_live(5)

    hub.hear(event("r_x", 5))
    hub.hear(event("r_x", 6))

    assert numbers(connection) == [6]


async def test_too_much_held_shows_as_missing(hub, outbound, connection) -> None:
    """When too much comes before the copy, what is left out is the oldest, so that its numbers miss."""
    subscription = hub.subscribe("r_x", outbound, "u_ann")
    for q in range(1, HELD + 11):
        hub.hear(event("r_x", q))

    subscription.go_live(0)

    assert numbers(connection) == list(range(11, HELD + 11))


async def test_unsubscribed_hears_nothing(hub, outbound, connection) -> None:
    """After unsubscribing nothing more is delivered; doing so twice is once."""
    hub.subscribe("r_x", outbound, "u_ann").go_live(0)
    hub.unsubscribe("r_x", outbound)
    hub.unsubscribe("r_x", outbound)
    hub.hear(event("r_x", 1))

    assert numbers(connection) == []
    assert list(hub.streams(outbound)) == []


async def test_removed_connection_hears_nothing(hub, outbound, connection) -> None:
    """A connection that is removed is so from all streams; others go on."""
    other = Outbound(connection, lambda: None)
    for stream in ("r_x", "r_y"):
        hub.subscribe(stream, outbound, "u_ann").go_live(0)
    hub.subscribe("r_x", other, "u_bob").go_live(0)

    hub.remove(outbound)
    hub.remove(outbound)
    hub.hear(event("r_x", 1))
    hub.hear(event("r_y", 1))

    assert numbers(connection) == [1]


async def test_subscribing_anew_replaces(hub, outbound, connection) -> None:
    """Who subscribes again starts again from the new copy, and hears each event once."""
    hub.subscribe("r_x", outbound, "u_ann").go_live(0)
    again = hub.subscribe("r_x", outbound, "u_ann")
    hub.hear(event("r_x", 1))
    again.go_live(0)
    hub.hear(event("r_x", 2))

    assert numbers(connection) == [1, 2]


async def test_heads_are_of_live_streams(hub, outbound) -> None:
    """The heads tell the last event of each stream that is live, by the name the connection knows."""
    hub.subscribe("r_x", outbound, "u_ann").go_live(3)
    hub.subscribe("u_ann", outbound, "u_ann").go_live(1)
    hub.subscribe("r_y", outbound, "u_ann")
    hub.hear(event("r_x", 4))

    assert hub.heads(outbound) == {"r_x": 4, "me": 1}
    assert set(hub.streams(outbound)) == {"r_x", "u_ann", "r_y"}


async def test_event_is_encoded_once(hub, connect, monkeypatch) -> None:
    """However many hear an event, it becomes JSON once; if nobody does, not at all."""
    encoded: list[wire.Reply] = []
    real = wire.encode
    monkeypatch.setattr(wire, "encode", lambda reply: encoded.append(reply) or real(reply))
    connections = [connect() for _ in range(10)]
    for each in connections:
        hub.subscribe("r_x", Outbound(each, lambda: None), "u_ann").go_live(0)

    hub.hear(event("r_x", 1))
    hub.hear(event("r_y", 1))

    assert len(encoded) == 1
    assert all(numbers(each) == [1] for each in connections)


async def test_announcement_reaches_the_live(hub, connect, frame) -> None:
    """An ephemeral goes to everyone who is live, but for those who are left out."""
    connections = [connect() for _ in range(3)]
    outbounds = [Outbound(each, lambda: None) for each in connections]
    hub.subscribe("r_x", outbounds[0], "u_ann").go_live(0)
    hub.subscribe("r_x", outbounds[1], "u_ann").go_live(0)
    hub.subscribe("r_x", outbounds[2], "u_ann")

    hub.announce("r_x", frame("eph"), but=[outbounds[1]])
    hub.announce("r_y", frame("eph"))

    assert [len(each.frames) for each in connections] == [1, 0, 0]


@pytest.mark.parametrize("op", ["leave", "kick", "ban"])
async def test_removal_is_the_last_event(hub, outbound, connection, frame, op) -> None:
    """Who is removed from a room is told so, on every connection, and then nothing more of it."""
    ended = []
    again = Outbound(connection, lambda: None)
    for each in (outbound, again):
        hub.subscribe("r_x", each, "u_ann", lambda _: ended.append(True)).go_live(0)
    for event_ in (event("r_x", 1), change(2, op), event("r_x", 3), change(4, "join"), event("r_x", 5)):
        hub.hear(event_)
    hub.announce("r_x", frame("eph"))

    assert numbers(connection) == [1, 1, 2, 2]
    assert len(ended) == 2
    assert list(hub.streams(outbound)) == list(hub.streams(again)) == []
    assert hub._streams == {}


@pytest.mark.parametrize(
    "other", [change(1, "kick", "u_bob"), change(1, "unban"), change(1, "role"), change(1, "rename")], ids=str
)
async def test_other_changes_end_nothing(hub, outbound, connection, other) -> None:
    """What happens to others, and what isn't the end, ends nothing."""
    hub.subscribe("r_x", outbound, "u_ann").go_live(0)
    hub.hear(other)
    hub.hear(event("r_x", 2))

    assert numbers(connection) == [1, 2]


async def test_known_removal_ends_nothing(hub, outbound, connection) -> None:
    """Who was removed and is back, and has a copy that is newer, hears the room."""
    hub.subscribe("r_x", outbound, "u_ann").go_live(5)
    for event_ in (change(4, "kick"), change(5, "join"), event("r_x", 6)):
        hub.hear(event_)

    assert numbers(connection) == [6]


async def test_long_wait_hides_no_removal(hub, outbound, connection) -> None:
    """However much comes after a removal while a copy is read, nothing of it is delivered."""
    subscription = hub.subscribe("r_x", outbound, "u_ann")
    hub.hear(change(1, "kick"))
    for q in range(2, HELD + 5):
        hub.hear(event("r_x", q))
    subscription.go_live(0)

    assert numbers(connection) == []
    assert subscription.has_ended


@given(
    st.lists(st.sampled_from(["msg", "kick", "join", "role"]), max_size=12),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_nothing_follows_a_removal(kinds, head, live_at) -> None:
    """Wherever a copy is read among events, what is delivered is what follows it, up to a removal."""
    hub, outbound = Hub(), Taking()
    subscription = hub.subscribe("r_x", outbound, "u_ann")
    events = [event("r_x", q) if kind == "msg" else change(q, kind) for q, kind in enumerate(kinds, 1)]
    for each in events[:live_at]:
        hub.hear(each)
    subscription.go_live(head)
    for each in events[live_at:]:
        hub.hear(each)

    removal = next((q for q, kind in enumerate(kinds, 1) if q > head and kind == "kick"), len(kinds))
    assert outbound == list(range(head + 1, removal + 1))
    assert ("r_x" in hub.streams(outbound)) == ("kick" not in kinds[head:])


class Alone:
    """A connection as it would be if there were no other: what it has to be told, by number."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.last: int | None = None
        self.missed: list[tuple[int, bool]] = []

    def hear(self, q: int, *, is_removal: bool) -> bool:
        """Return whether it hears on after an event."""
        if self.last is None:
            self.missed.append((q, is_removal))
        elif q > self.last:
            self.told.append(q)
            self.last = q
            return not is_removal
        return True

    def go_live(self, head: int) -> bool:
        """Return whether it hears on after what it has missed since a copy."""
        self.last = head
        return all(self.hear(q, is_removal=is_removal) for q, is_removal in self.missed)


class Taking(list[int]):
    """A way out that only keeps numbers."""

    def event(self, _stream: str, q: int, _frame: object) -> None:
        """Keep a number."""
        self.append(q)

    def forget(self, _stream: str) -> None:
        """Nothing waits here."""

    __hash__ = object.__hash__


STEPS = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(["msg", "kick 0", "kick 1", "kick 2"])),
    st.tuples(st.sampled_from(["subscribe", "unsubscribe"]), st.integers(0, 2)),
    st.tuples(st.just("live"), st.integers(0, 2), st.integers(0, 3)),
)


@given(st.lists(STEPS, max_size=40))
def test_nobody_depends_on_others(steps) -> None:
    """Whoever else hears a stream, and since when, each is told what they would be told alone."""
    hub, outs = Hub(), [Taking() for _ in range(3)]
    alone: list[Alone | None] = [None] * 3
    told: list[list[int]] = [[], [], []]
    waiting: dict[int, object] = {}
    q = 0

    def stop(i: int) -> None:
        if (one := alone[i]) is not None:
            told[i] += one.told
        alone[i] = None
        waiting.pop(i, None)

    for step in steps:
        match step:
            case "event", kind:
                q += 1
                user = kind.removeprefix("kick ")
                hub.hear(event("r_x", q) if kind == "msg" else change(q, "kick", user))
                for i, one in enumerate(alone):
                    if one is not None and not one.hear(q, is_removal=user == str(i)):
                        stop(i)
            case "subscribe", i:
                stop(i)
                waiting[i], alone[i] = hub.subscribe("r_x", outs[i], str(i)), Alone()
            case "unsubscribe", i:
                stop(i)
                hub.unsubscribe("r_x", outs[i])
            case "live", i, lead if i in waiting:
                # A copy may be newer than what the bus has told.
                waiting.pop(i).go_live(max(0, q - 2 + lead))
                if not alone[i].go_live(max(0, q - 2 + lead)):
                    stop(i)
        live = [None if one is None else one.last for one in alone]
        assert [hub.heads(out).get("r_x") for out in outs] == live
        assert ["r_x" in hub.streams(out) for out in outs] == [one is not None for one in alone]
    for i in range(3):
        stop(i)
        hub.unsubscribe("r_x", outs[i])

    assert [list(out) for out in outs] == told
    assert not hub._streams
    assert not hub._hearers


async def test_who_is_in_step_costs_nothing(hub, connect) -> None:
    """Of who has heard just what the stream has, nothing is kept but that they hear it."""
    outs = [Outbound(connect(), lambda: None) for _ in range(3)]
    for out, head in zip(outs, (3, 3, 4), strict=True):
        hub.subscribe("r_x", out, "u_ann").go_live(head)
    apart = [isinstance(each, Subscription) for each in hub._streams["r_x"].hearers.values()]
    hub.hear(event("r_x", 4))

    assert apart == [False, False, True]
    assert not any(isinstance(each, Subscription) for each in hub._streams["r_x"].hearers.values())
    assert {hub.heads(out)["r_x"] for out in outs} == {4}
