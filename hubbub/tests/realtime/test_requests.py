"""What may be asked, and that whatever comes is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec
import pytest
from faults.postgresql import BACKENDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbub import wire
from hubbub.domain.models import LOBBY
from hubbub.realtime.bucket import Buckets


async def test_state_is_shown(ann, make_peer, loop_clock) -> None:
    """The state that one asks for is the one that others see."""
    bob = await make_peer("Bob")
    await ann.ask("sub", s=LOBBY)
    await bob.ask("sub", s=LOBBY)
    await loop_clock.advance(1)
    bob.heard("eph")
    await ann.tell("pres", state="dnd", text=" in\u2003class ")
    await loop_clock.advance(1)

    assert [frame["d"] for frame in bob.heard("eph")] == [
        {"id": ann.user.id, "name": "Ann", "state": "dnd", "text": "in class"}
    ]


@pytest.mark.parametrize(
    "frame,answer",
    [
        ('{"t":"ping"}', {"t": "pong"}),
        ('{"t":"vote","id":3}', {"t": "err", "id": 3, "code": "unknown_op"}),
        ('{"t":"call","id":3,"m":"room.burn","p":{}}', {"t": "err", "id": 3, "code": "unknown_op"}),
        ('{"t":"call","id":3,"m":"room.join","p":{}}', {"t": "err", "id": 3, "code": "bad_frame"}),
        ("nonsense", {"t": "err", "code": "bad_frame"}),
        (b"\x00", {"t": "err", "code": "bad_frame"}),
        ('{"t":"hello","client":{"name":"x","ver":"1"}}', {"t": "err", "code": "bad_frame"}),
        ('{"t":"typing","s":"x","on":true}', {"t": "err", "code": "not_found"}),
    ],
    ids=range(8),
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

    monkeypatch.setattr("hubbub.realtime.subscriptions.Subscriptions.unsub", fail)

    assert (await ann.ask("unsub", s=LOBBY))["code"] == "internal"
    assert "a bug" in caplog.text


async def test_batches_are_for_who_asked(ann, make_peer) -> None:
    """An array is several frames where that was agreed, and otherwise none."""
    cleo = await make_peer("Cleo", features=frozenset({"batch"}))
    batch = '[{"t":"ping"},{"t":"pong"}]'

    assert ann.requests.split(batch) == [batch]
    assert cleo.requests.split(batch) == ['{"t":"ping"}', '{"t":"pong"}']
    for bad in ("[", b"[]"):
        assert cleo.requests.split(bad) == []
        assert cleo.heard("err")[0]["code"] == "bad_frame"


# What nothing is called: with it, and where it goes.
ODD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: not re.fullmatch("[A-Za-z0-9_-]*\n?", text)
) | st.sampled_from(["\0", "'", '"', "%", "\\", "好", "😀", "\u202e", "a b", "x" * 40 + "."])
WRITES = {
    "send": {"d": {"text": "hi"}},
    "edit": {"m": 1, "d": {"text": "hi"}},
    "del": {"m": 1},
    "react": {"m": 1, "e": "👍", "on": True},
    "pin": {"m": 1, "on": True},
    "skip": {},
}
ASKS = {
    "sub": {},
    "unsub": {},
    "hist": {"after": 0},
    "log": {"after": 0},
    "typing": {"on": True},
    "read": {"q": 1},
}


def asking(odd: str, lobby: str) -> Iterator[dict[str, object]]:
    """Return every request in which something is called so."""
    for t, fields in WRITES.items():
        yield {"t": t, "id": 1, "s": odd, "n": "nonce-01"} | fields
    for t, fields in ASKS.items():
        yield {"t": t, "id": 1, "s": odd} | fields
    for m, method in wire.METHODS.items():
        fields = msgspec.structs.fields(method.params)
        called = [field.encode_name for field in fields if field.encode_name in {"s", "user", "after", "id"}]
        for name in called:
            params = {"s": lobby, "user": "u_x", "q": 1, "role": "member", name: odd}
            yield {"t": "call", "id": 1, "m": m, "p": params, "n": "nonce-01"}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("start", ["", "r_", "u_"])
@given(odd=ODD)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_odd_ids_are_no_frames(ann, caplog, start, odd) -> None:
    """What nothing can be called is no frame, on every database, and never a mistake of the server's."""
    for request in asking(start + odd, LOBBY):
        ann.connection.frames.clear()
        await ann.requests.take(json.dumps(request))
        [heard] = ann.connection.frames
        assert (heard["t"], heard["code"]) == ("err", "bad_frame"), request
    assert caplog.text == ""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("unknown", ["r_", "r_x", "r_" + "x" * 62, "u_x", "x", "-", "r_x\n"])
async def test_unknown_ids_are_not_found(ann, caplog, unknown) -> None:
    """What nothing is called, but could be, isn't found, on every database."""
    for t in ("sub", "hist", "log"):
        assert (await ann.ask(t, s=unknown, **ASKS[t]))["code"] == "not_found"
    for t in ("send", "edit", "del", "react", "pin"):
        assert (await ann.ask(t, s=unknown, n="nonce-01", **WRITES[t]))["code"] == "not_found"
    for m in ("room.join", "room.leave", "room.update"):
        assert (await ann.call(m, "nonce-01", s=unknown))["code"] == "not_found"
    assert (await ann.call("session.revoke", id=unknown))["code"] == "not_found"
    assert caplog.text == ""


async def test_flood_of_reads_is_stopped(ann, bob, make_peer, monkeypatch, loop_clock) -> None:
    """Who asks for too much, on however many connections, is told when to go on; nobody else is."""
    monkeypatch.setattr(ann.shared.turnstile, "_reads", Buckets(3, 0.01))
    also = await make_peer("Ann", ann.signed_in)
    answers = [
        await ann.ask("hist", s=LOBBY, after=0),
        await ann.ask("log", s="me", after=0),
        await also.call("room.list"),
        await also.call("room.list"),
        await ann.ask("hist", s=LOBBY, after=0),
        await bob.call("room.list"),
    ]
    await loop_clock.advance(100)
    answers.append(await ann.ask("log", s="me", after=0))

    refused = "too_many_requests"
    assert [each.get("code") for each in answers] == [None, None, None, refused, refused, None, None]
    assert all(0 < each["after"] <= 100_000 for each in answers[3:5])


async def test_flood_of_subscriptions_is_stopped(ann, bob, monkeypatch, loop_clock) -> None:
    """Who asks for streams again and again is told when to go on, and hears what they heard before."""
    monkeypatch.setattr(ann.shared.turnstile, "_subscriptions", Buckets(2, 0.01))
    answers = [await ann.ask("sub", s=LOBBY) for _ in range(3)]
    await bob.send("nonce-01")

    assert [answer.get("code") for answer in answers] == [None, None, "too_many_requests"]
    assert [frame["s"] for frame in ann.heard("ev")] == [LOBBY]
