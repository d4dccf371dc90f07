"""What one hears of a stream, from when on, and until when."""

from __future__ import annotations

import asyncio

import pytest

from hubbub import wire
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.post_message import post_message
from hubbub.actions.remove_member import ban, kick, unban
from hubbub.domain.events import Notice
from hubbub.domain.models import LOBBY
from hubbub.realtime import reads, subscriptions


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


@pytest.fixture
async def garden(ann) -> str:
    """Make a room of Ann's."""
    return (await ann.call("room.create", "nonce-garden", name="garden"))["r"]["room"]["id"]


def of_room(peer, room: str) -> list[dict]:
    """Return what was heard of a room."""
    return [frame for frame in peer.connection.frames if frame.get("s") == room]


async def test_removal_is_the_end_of_it(ann, bob, make_peer, garden, loop_clock) -> None:
    """Who is put out hears that last, isn't shown there any longer, and can't come back by asking."""
    again, onlooker = await make_peer("Bob", bob.signed_in), await make_peer("Cleo")
    for peer in (bob, onlooker):
        await peer.call("room.join", "nonce-01", s=garden)
    for peer in (bob, again, onlooker):
        await peer.ask("sub", s=garden)
        await loop_clock.advance(1)
    await ann.call("member.kick", "nonce-02", s=garden, user=bob.user.id)
    await ann.send("nonce-03", s=garden)
    for peer in (bob, again):
        await peer.tell("typing", s=garden, on=True)
        await peer.tell("pres", state="dnd")
    await loop_clock.advance(1)

    for peer in (bob, again):
        assert of_room(peer, garden)[-1]["d"] == {
            "op": "kick",
            "user": {"id": bob.user.id, "name": "Bob"},
        }
        assert (await peer.ask("sub", s=garden, at=[0, 0]))["code"] == "not_member"
    shown = [frame["d"] for frame in of_room(onlooker, garden) if frame["t"] == "eph"]
    assert shown[-1] == {"id": bob.user.id, "name": "Bob", "state": "off"}
    assert not [frame for frame in shown if "on" in frame]


@pytest.mark.parametrize("how", ["kick", "ban", "leave"])
async def test_race_of_sub_and_removal_leaks_nothing(ann, bob, database, bus, garden, how) -> None:
    """Whenever someone is put out who is about to subscribe, nothing reaches them that comes afterwards."""
    answers = set()
    told: asyncio.Queue[Notice] = asyncio.Queue()
    bus.subscribe(told.put_nowait)
    for attempt in range(12):
        n = f"nonce-{attempt:03}"
        await join_room(database, bob.user, f"{n}-join", garden)
        bob.connection.frames.clear()
        copy = await bob.ask("sub", s=garden)
        await bob.ask("unsub", s=garden)
        bob.connection.frames.clear()

        async def put_out(n: str = n) -> None:
            if how == "leave":
                await leave_room(database, bob.user, garden, f"{n}-out")
            else:
                verb = {"kick": kick, "ban": ban}[how]
                await verb(database, ann.user, garden, f"{n}-out", bob.user.id)

        async def act(n: str = n, put_out=put_out) -> None:
            await post_message(database, ann.user, garden, f"{n}-before", "before")
            await put_out()
            for m in range(3):
                await post_message(database, ann.user, garden, f"{n}-{m}-after", "after")

        while not told.empty():
            told.get_nowait()
        acting = asyncio.create_task(act())
        for _ in range(attempt // 2):
            await told.get()
        await bob.tell("sub", id=1, s=garden, at=[copy["epoch"], copy["head"]])
        await acting

        assert "after" not in str(bob.connection.frames)
        assert garden not in bob.shared.hub.streams(bob.outbound)
        assert not bob.shared.presence.is_in(garden, bob.outbound)
        answer = bob.connection.frames[0]
        answers.add(answer["t"])
        if answer["t"] == "ok":
            assert of_room(bob, garden)[-1]["d"]["op"] == how
        if how == "ban":
            await unban(database, ann.user, garden, f"{n}-unban", bob.user.id)

    assert answers == {"ok", "err"}


@pytest.mark.parametrize("level", ["full", "badge", None])
async def test_late_answer_leaks_nothing(ann, make_peer, garden, monkeypatch, level) -> None:
    """What is being read for someone who is put out meanwhile isn't answered with, subscribed or not."""
    bob = await make_peer("Bob", features=frozenset({"badge"}))
    await bob.call("room.join", "nonce-01", s=garden)
    if level is not None:
        await bob.ask("sub", s=garden, lvl=level)
    real = reads.read_history

    async def read_slowly(*args):
        page = await real(*args)
        await kick(ann.shared.database, ann.user, garden, "nonce-02", bob.user.id)
        return page

    monkeypatch.setattr(reads, "read_history", read_slowly)

    assert (await bob.ask("hist", s=garden, after=0))["code"] == "not_member"


async def test_late_news_spoil_no_answer(ann, bob, database, garden, monkeypatch) -> None:
    """Whose inbox has other news while they read, is answered."""
    await bob.call("room.join", "nonce-01", s=garden)
    real = reads.read_history

    async def read_slowly(*args):
        page = await real(*args)
        await post_message(database, ann.user, garden, "nonce-02", f"<@{bob.user.id}>")
        return page

    monkeypatch.setattr(reads, "read_history", read_slowly)

    assert (await bob.ask("hist", s=garden, after=0))["msgs"] == []
    assert (await bob.ask("log", s="me", after=0))["t"] == "ok"


async def test_removal_during_resume_is_the_last(ann, bob, database, garden, monkeypatch) -> None:
    """Who is put out while their copy is read hears what follows it, up to that."""
    await bob.call("room.join", "nonce-01", s=garden)
    real = subscriptions.sync_stream

    async def sync_slowly(*args):
        copy = await real(*args)
        await post_message(database, ann.user, garden, "nonce-02", "before")
        await kick(database, ann.user, garden, "nonce-03", bob.user.id)
        await post_message(database, ann.user, garden, "nonce-04", "after")
        return copy

    monkeypatch.setattr(subscriptions, "sync_stream", sync_slowly)
    copy = await bob.ask("sub", s=garden)

    assert [frame["q"] for frame in of_room(bob, garden)] == [copy["head"] + 1, copy["head"] + 2]
    assert bob.heard("ev")[-1]["d"]["op"] == "kick"
    assert not bob.shared.presence.is_in(garden, bob.outbound)
