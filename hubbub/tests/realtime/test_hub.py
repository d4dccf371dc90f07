"""Who hears what, and from when on."""

from __future__ import annotations

import pytest

from hubbub import wire
from hubbub.domain.events import SessionRevoked, StoredEvent
from hubbub.realtime.hub import HELD, Hub
from hubbub.realtime.outbound import Outbound


def event(stream: str, q: int) -> StoredEvent:
    """Make an event."""
    return StoredEvent(stream, q, "msg.new", 5, "u_ann", f'{{"text":"{q}"}}')


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
    hub.subscribe("r_x", outbound).go_live(0)

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


async def test_nothing_falls_between_copy_and_live(hub, outbound, connection) -> None:
    """Events that come while the copy is read follow it, each once."""
    subscription = hub.subscribe("r_x", outbound)
    for q in (4, 5, 6, 7):
        hub.hear(event("r_x", q))
    assert numbers(connection) == []

    subscription.go_live(5)
    hub.hear(event("r_x", 7))
    hub.hear(event("r_x", 8))

    assert numbers(connection) == [6, 7, 8]


async def test_late_event_is_no_news(hub, outbound, connection) -> None:
    """An event that the copy has already isn't delivered again."""
    hub.subscribe("r_x", outbound).go_live(5)

    hub.hear(event("r_x", 5))
    hub.hear(event("r_x", 6))

    assert numbers(connection) == [6]


async def test_too_much_held_shows_as_missing(hub, outbound, connection) -> None:
    """When too much comes before the copy, what is left out is the oldest, so that its numbers miss."""
    subscription = hub.subscribe("r_x", outbound)
    for q in range(1, HELD + 11):
        hub.hear(event("r_x", q))

    subscription.go_live(0)

    assert numbers(connection) == list(range(11, HELD + 11))


async def test_unsubscribed_hears_nothing(hub, outbound, connection) -> None:
    """After unsubscribing nothing more is delivered; doing so twice is once."""
    hub.subscribe("r_x", outbound).go_live(0)
    hub.unsubscribe("r_x", outbound)
    hub.unsubscribe("r_x", outbound)
    hub.hear(event("r_x", 1))

    assert numbers(connection) == []
    assert list(hub.streams(outbound)) == []


async def test_removed_connection_hears_nothing(hub, outbound, connection) -> None:
    """A connection that is removed is so from all streams; others go on."""
    other = Outbound(connection, lambda: None)
    for stream in ("r_x", "r_y"):
        hub.subscribe(stream, outbound).go_live(0)
    hub.subscribe("r_x", other).go_live(0)

    hub.remove(outbound)
    hub.remove(outbound)
    hub.hear(event("r_x", 1))
    hub.hear(event("r_y", 1))

    assert numbers(connection) == [1]


async def test_subscribing_anew_replaces(hub, outbound, connection) -> None:
    """Who subscribes again starts again from the new copy, and hears each event once."""
    hub.subscribe("r_x", outbound).go_live(0)
    again = hub.subscribe("r_x", outbound)
    hub.hear(event("r_x", 1))
    again.go_live(0)
    hub.hear(event("r_x", 2))

    assert numbers(connection) == [1, 2]


async def test_heads_are_of_live_streams(hub, outbound) -> None:
    """The heads tell the last event of each stream that is live, by the name the connection knows."""
    hub.subscribe("r_x", outbound).go_live(3)
    hub.subscribe("u_ann", outbound).go_live(1)
    hub.subscribe("r_y", outbound)
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
        hub.subscribe("r_x", Outbound(each, lambda: None)).go_live(0)

    hub.hear(event("r_x", 1))
    hub.hear(event("r_y", 1))

    assert len(encoded) == 1
    assert all(numbers(each) == [1] for each in connections)


async def test_announcement_reaches_the_live(hub, connect, frame) -> None:
    """An ephemeral goes to everyone who is live, but for those who are left out."""
    connections = [connect() for _ in range(3)]
    outbounds = [Outbound(each, lambda: None) for each in connections]
    hub.subscribe("r_x", outbounds[0]).go_live(0)
    hub.subscribe("r_x", outbounds[1]).go_live(0)
    hub.subscribe("r_x", outbounds[2])

    hub.announce("r_x", frame("eph"), but=[outbounds[1]])
    hub.announce("r_y", frame("eph"))

    assert [len(each.frames) for each in connections] == [1, 0, 0]
