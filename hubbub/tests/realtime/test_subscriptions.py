"""What one hears of a stream, from when on, and until when."""

from __future__ import annotations

import asyncio

from hubbub import wire
from hubbub.actions.post_message import post_message
from hubbub.domain.models import LOBBY


async def test_sub_gives_a_copy_and_goes_live(ann, make_peer) -> None:
    """The answer has the room as it is; what comes later follows, and who is there."""
    bob = await make_peer("Bob")
    posted = await ann.send("nonce-01", "before")
    copy = await bob.ask("sub", s=LOBBY)
    await ann.send("nonce-02", "after")

    assert copy["mode"] == "reset"
    assert copy["head"] == posted["q"]
    assert copy["snap"]["room"] == {
        "id": LOBBY,
        "name": "lobby",
        "topic": "",
        "visibility": "public",
        "role": "member",
    }
    assert [message["text"] for message in copy["snap"]["msgs"]] == ["before"]
    assert copy["snap"]["users"] == {ann.user.id: {"name": "Ann"}}
    [shown] = [frame for frame in bob.connection.frames if frame.get("k") == "pres.state"]
    assert shown["d"]["count"] == 1
    [heard] = bob.heard("ev")
    assert (heard["q"], heard["by"], heard["d"]["text"]) == (posted["q"] + 1, ann.user.id, "after")


async def test_sub_from_position_gives_the_rest(ann) -> None:
    """Who says what they have gets what is missing, as events."""
    copy = await ann.ask("sub", s=LOBBY)
    at = [copy["epoch"], copy["head"]]
    for n in range(3):
        await ann.send(f"nonce-{n:03}")

    delta = await ann.ask("sub", s=LOBBY, at=at)

    assert (delta["mode"], delta["head"]) == ("delta", at[1] + 3)
    assert [each["q"] for each in delta["ev"]] == [at[1] + 1, at[1] + 2, at[1] + 3]
    assert delta["users"] == {ann.user.id: {"name": "Ann"}}


async def test_inbox_is_subscribed_as_me(ann) -> None:
    """One's inbox lists one's rooms; nobody can ask for it, or for another's, by id."""
    copy = await ann.ask("sub", s="me")

    assert [room["id"] for room in copy["snap"]["rooms"]] == [LOBBY]
    for name in (ann.user.id, "u_other", "r_nowhere", "x"):
        assert (await ann.ask("sub", s=name))["code"] == "not_found"


async def test_refused_sub_leaves_nothing(ann, make_peer) -> None:
    """A stream that can't be read isn't subscribed to either."""
    await ann.ask("sub", s="r_nowhere")

    assert list(ann.shared.hub.streams(ann.outbound)) == []


async def test_unsub_ends_it(ann, make_peer) -> None:
    """After unsubscribing nothing more of the room is heard, and nobody is shown there."""
    await ann.ask("sub", s=LOBBY)
    assert await ann.ask("unsub", s=LOBBY) == {"t": "ok", "id": 1}
    bob = await make_peer("Bob")
    await bob.send("nonce-01")

    assert ann.heard("ev") == []
    assert not ann.shared.presence.is_in(LOBBY, ann.outbound)


async def test_streams_are_limited(ann, monkeypatch) -> None:
    """There is a limit to streams on one connection, but not to asking for the same again."""
    monkeypatch.setattr(wire, "STREAMS", 1)

    assert (await ann.ask("sub", s=LOBBY))["t"] == "ok"
    assert (await ann.ask("sub", s="me"))["code"] == "too_many_streams"
    assert (await ann.ask("sub", s=LOBBY))["t"] == "ok"


async def test_race_of_sub_and_send_loses_nothing(ann, make_peer, database) -> None:
    """Whenever a subscription falls among messages, copy and events together have each exactly once."""
    for attempt in range(10):
        bob = await make_peer(f"Bob {attempt}")
        head = (await ann.ask("hist", s=LOBBY, after=0))["asof"]
        writes = [
            asyncio.ensure_future(post_message(database, ann.user, LOBBY, f"nonce-{attempt:03}-{n:03}", "hi"))
            for n in range(30)
        ]
        for _ in range(attempt * 3):
            await asyncio.sleep(0)
        copy = await bob.ask("sub", s=LOBBY)
        await asyncio.gather(*writes)

        seen = [message["q"] for message in copy["snap"]["msgs"] if message["q"] > head]
        seen += [frame["q"] for frame in bob.heard("ev")]
        assert seen == list(range(head + 1, head + 31))
