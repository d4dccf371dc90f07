"""What may be asked, what the answers are, and how often one may ask."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hubbub import wire
from hubbub.actions.post_message import post_message
from hubbub.domain.models import LOBBY
from hubbub.realtime.hub import Hub
from hubbub.realtime.outbound import Outbound
from hubbub.realtime.presence import Presence
from hubbub.realtime.requests import Requests


class Peer:
    """A signed-in connection: the test asks, and gets the answers."""

    def __init__(self, user, connection, database, hub, presence) -> None:
        self.user = user
        self.connection = connection
        self.outbound = Outbound(connection, lambda: None)
        presence.connect(self.outbound, user)
        self.requests = Requests(user, self.outbound, database, hub, presence)

    async def tell(self, t: str, **fields: object) -> None:
        """Send a frame that isn't answered."""
        await self.requests.take(json.dumps({"t": t} | fields))

    async def ask(self, t: str, **fields: object) -> dict:
        """Send a request, and wait for its answer."""
        await self.tell(t, id=1, **fields)
        return await self.connection.hear_only("ok", "err")

    async def send(self, nonce: str, text: str = "hi", s: str = LOBBY, **more: object) -> dict:
        """Send a message, and wait for the answer."""
        return await self.ask("send", s=s, n=nonce, d={"text": text} | more)

    async def offer(self, *nonces: str) -> None:
        """Send messages, without waiting for answers."""
        for number, nonce in enumerate(nonces):
            await self.tell("send", id=number, s=LOBBY, n=nonce, d={"text": "hi"})

    def heard(self, t: str) -> list[dict]:
        """Take what was heard of one kind, and forget the rest."""
        frames = [frame for frame in self.connection.frames if frame["t"] == t]
        self.connection.frames.clear()
        return frames


@pytest.fixture
def make_peer(database, bus, guest, connect):
    """Return what makes signed-in connections."""
    hub = Hub()
    presence = Presence(hub)
    bus.subscribe(hub.hear)

    async def make(name: str, user=None) -> Peer:
        user = user or (await guest(name)).user
        return Peer(user, connect(), database, hub, presence)

    return make


@pytest.fixture
async def ann(make_peer, loop_clock) -> Peer:
    """Let Ann in."""
    return await make_peer("Ann")


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

    assert list(ann.requests._hub.streams(ann.outbound)) == []


async def test_unsub_ends_it(ann, make_peer) -> None:
    """After unsubscribing nothing more of the room is heard, and nobody is shown there."""
    await ann.ask("sub", s=LOBBY)
    assert await ann.ask("unsub", s=LOBBY) == {"t": "ok", "id": 1}
    bob = await make_peer("Bob")
    await bob.send("nonce-01")

    assert ann.heard("ev") == []
    assert not ann.requests._presence.is_in(LOBBY, ann.outbound)


async def test_streams_are_limited(ann, monkeypatch) -> None:
    """There is a limit to streams on one connection, but not to asking for the same again."""
    monkeypatch.setattr(wire, "STREAMS", 1)

    assert (await ann.ask("sub", s=LOBBY))["t"] == "ok"
    assert (await ann.ask("sub", s="me"))["code"] == "too_many_streams"
    assert (await ann.ask("sub", s=LOBBY))["t"] == "ok"


async def test_send_is_answered_with_its_place(ann) -> None:
    """A message is answered with its number, and the same again with the same."""
    first = await ann.send("nonce-01", "你好")
    again = await ann.send("nonce-01", "你好")
    other = await ann.send("nonce-01", "再见")

    assert first.keys() == {"t", "id", "q", "ts"}
    assert again == first | {"dup": True}
    assert (other["code"], other["retry"]) == ("nonce_reuse", False)


async def test_sent_order_is_kept(ann) -> None:
    """Messages that are sent without waiting are stored in the order in which they were sent."""
    nonces = [f"nonce-{n:03}" for n in range(wire.WRITE_BURST)]
    await ann.offer(*nonces)
    await ann.requests.settle()

    assert [frame["id"] for frame in ann.heard("ok")] == list(range(wire.WRITE_BURST))
    page = await ann.ask("hist", s=LOBBY, after=0)
    assert [message["n"] for message in page["msgs"]] == nonces


async def test_rate_of_writes_is_limited(ann, loop_clock) -> None:
    """After a burst, a write is refused with how long to wait, and those behind it with it."""
    await ann.offer(*(f"nonce-{n:03}" for n in range(wire.WRITE_BURST + 2)))
    await ann.requests.settle()
    errors = ann.heard("err")

    assert [error["id"] for error in errors] == [wire.WRITE_BURST, wire.WRITE_BURST + 1]
    assert {error["code"] for error in errors} == {"too_many_requests"}
    assert all(error["retry"] and 0 < error["after"] <= 1000 / wire.WRITES_PER_SECOND for error in errors)

    await loop_clock.advance(errors[0]["after"] / 1000)
    assert (await ann.send(f"nonce-{wire.WRITE_BURST + 1:03}"))["code"] == "too_many_requests"
    assert (await ann.send(f"nonce-{wire.WRITE_BURST:03}"))["t"] == "ok"


async def test_writes_under_way_are_limited(ann, monkeypatch) -> None:
    """No more writes than so many wait for an answer."""
    monkeypatch.setattr(wire, "REQUESTS", 3)
    await ann.offer(*(f"nonce-{n:03}" for n in range(5)))
    refused = ann.heard("err")
    await ann.requests.settle()

    assert [(error["id"], error["code"], error["after"]) for error in refused] == [
        (3, "too_many_requests", 1000),
        (4, "too_many_requests", 1000),
    ]
    assert [frame["id"] for frame in ann.heard("ok")] == [0, 1, 2]


async def test_outbox_is_held_up_by_a_failure(ann, engines, caplog) -> None:
    """When the database fails, an outbox is refused as a whole, and can be sent again as a whole."""

    def fail(connection: object) -> None:
        raise OperationalError("COMMIT", {}, OSError("disk I/O error"))

    nonces = [f"nonce-{n:03}" for n in range(5)]
    event.listen(engines.writing.sync_engine, "commit", fail)
    await ann.offer(*nonces)
    await ann.requests.settle()
    event.remove(engines.writing.sync_engine, "commit", fail)
    await ann.offer(nonces[1])
    errors = ann.heard("err")
    await ann.offer(*nonces)
    await ann.requests.settle()

    assert [(error["id"], error["code"], error["retry"]) for error in errors] == [
        *((n, "unavailable", True) for n in range(5)),
        (0, "unavailable", True),
    ]
    assert len(ann.heard("ok")) == 5
    page = await ann.ask("hist", s=LOBBY, after=0)
    assert [message["n"] for message in page["msgs"]] == nonces
    assert "disk I/O error" in caplog.text


async def test_skip_lets_others_pass(ann, monkeypatch) -> None:
    """A refused write that is given up holds nobody up."""
    monkeypatch.setattr(wire, "REQUESTS", 0)
    assert (await ann.send("nonce-01"))["code"] == "too_many_requests"
    monkeypatch.undo()
    assert (await ann.send("nonce-02"))["code"] == "too_many_requests"

    assert await ann.ask("skip", s=LOBBY, n="nonce-01") == {"t": "ok", "id": 1}
    assert (await ann.send("nonce-02"))["t"] == "ok"


async def test_lanes_are_limited(ann, monkeypatch) -> None:
    """Streams that don't exist can't fill the memory: what holds nobody up is forgotten."""
    monkeypatch.setattr(wire, "STREAMS", 3)
    for n in range(10):
        assert (await ann.send("nonce-01", s=f"r_{n}"))["code"] == "not_found"
    monkeypatch.setattr(wire, "REQUESTS", 0)
    codes = [(await ann.send("nonce-01", s=f"r_{n}"))["code"] for n in range(10)]

    assert set(codes[-7:]) == {"too_many_streams"}


@pytest.mark.parametrize(
    "fields,found",
    [
        ({"before": 99}, [2, 3, 4]),
        ({"before": 4}, [2, 3]),
        ({"after": 2}, [3, 4]),
        ({"around": 3, "limit": 2}, [2, 3]),
        ({"after": 0, "limit": 1}, [2]),
    ],
)
async def test_history_is_turned(ann, fields, found) -> None:
    """Pages are asked for before, after or around a message."""
    for n in range(3):
        await ann.send(f"nonce-{n:03}")

    page = await ann.ask("hist", s=LOBBY, **fields)

    assert [message["q"] for message in page["msgs"]] == found
    assert page["asof"] == 4
    assert page["users"] == {ann.user.id: {"name": "Ann"}}


@pytest.mark.parametrize("fields", [{}, {"before": 1, "after": 1}])
async def test_ambiguous_history_is_invalid(ann, fields) -> None:
    """Exactly one place in the history can be asked for."""
    assert (await ann.ask("hist", s=LOBBY, **fields))["code"] == "invalid"


async def test_typing_is_told_now_and_then(ann, make_peer, loop_clock) -> None:
    """Others hear that someone types, however often it is said, only so often."""
    bob = await make_peer("Bob")
    await bob.ask("sub", s=LOBBY)
    await ann.tell("typing", s=LOBBY, on=True)
    await ann.ask("sub", s=LOBBY)
    await ann.tell("typing", s=LOBBY, on=False)
    for on in (True, True, False, True):
        await ann.tell("typing", s=LOBBY, on=on)
    told = [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"]
    await loop_clock.advance(wire.TYPING_INTERVAL)
    await ann.tell("typing", s=LOBBY, on=True)
    later = [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"]

    assert (told, later) == ([True, False], [True])


async def test_coming_back_is_no_way_to_type_more(ann, make_peer) -> None:
    """Who leaves the room and comes back types no more often than others."""
    bob = await make_peer("Bob")
    await bob.ask("sub", s=LOBBY)
    for _ in range(3):
        await ann.ask("sub", s=LOBBY)
        await ann.tell("typing", s=LOBBY, on=True)
        await ann.ask("unsub", s=LOBBY)

    assert [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"] == [True]


async def test_stop_of_typing_is_told_once(ann, make_peer) -> None:
    """Stopping again and again is told once."""
    bob = await make_peer("Bob")
    for peer in (ann, bob):
        await peer.ask("sub", s=LOBBY)
    for on in (True, False, False, False):
        await ann.tell("typing", s=LOBBY, on=on)

    assert [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"] == [True, False]


async def test_state_is_shown(ann, make_peer, loop_clock) -> None:
    """The state that one asks for is the one that others see."""
    bob = await make_peer("Bob")
    await ann.ask("sub", s=LOBBY)
    await bob.ask("sub", s=LOBBY)
    await loop_clock.advance(1)
    bob.heard("eph")
    await ann.tell("pres", state="dnd")
    await loop_clock.advance(1)

    assert [frame["d"] for frame in bob.heard("eph")] == [{"id": ann.user.id, "name": "Ann", "state": "dnd"}]


@pytest.mark.parametrize(
    "frame,answer",
    [
        ('{"t":"ping"}', {"t": "pong"}),
        ('{"t":"vote","id":3}', {"t": "err", "id": 3, "code": "unknown_op"}),
        ("nonsense", {"t": "err", "code": "bad_frame"}),
        (b"\x00", {"t": "err", "code": "bad_frame"}),
        ('{"t":"hello","client":{"name":"x","ver":"1"}}', {"t": "err", "code": "bad_frame"}),
        ('{"t":"typing","s":"x","on":true}', {"t": "err", "code": "not_found"}),
    ],
    ids=range(6),
)
async def test_odd_frame_is_answered(ann, frame, answer) -> None:
    """What isn't a request is answered, and the conversation goes on."""
    await ann.requests.take(frame)

    [heard] = ann.connection.frames
    assert answer.items() <= heard.items()


async def test_pong_needs_no_answer(ann) -> None:
    """An answer isn't answered."""
    await ann.tell("pong")

    assert not ann.connection.frames


async def test_broken_request_is_answered(ann, monkeypatch, caplog) -> None:
    """A mistake of ours ends a request, and nothing else."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(ann.requests, "_unsub", fail)

    assert (await ann.ask("unsub", s=LOBBY))["code"] == "internal"
    assert "a bug" in caplog.text


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
