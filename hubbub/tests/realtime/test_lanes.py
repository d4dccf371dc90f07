"""How many writes a connection may have, and what holds up which."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hubbub import wire
from hubbub.domain.models import LOBBY
from hubbub.realtime.bucket import Rate
from hubbub.realtime.lane import Lane
from hubbub.realtime.turnstile import Limits, Turnstile


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


async def test_lanes_of_the_past_cost_nothing(ann) -> None:
    """However many streams were written to, a write is counted among those under way."""
    for n in range(10):
        await ann.send("nonce-01", s=f"r_{n}")
    asked: list[Lane] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lane, "unanswered", property(lambda lane: asked.append(lane) or 0))
        await ann.send("nonce-02")

    assert len(asked) == 1


async def test_lanes_are_limited(ann, monkeypatch) -> None:
    """Streams that don't exist can't fill the memory: what holds nobody up is forgotten."""
    monkeypatch.setattr(wire, "STREAMS", 3)
    for n in range(10):
        assert (await ann.send("nonce-01", s=f"r_{n}"))["code"] == "not_found"
    monkeypatch.setattr(wire, "REQUESTS", 0)
    codes = [(await ann.send("nonce-01", s=f"r_{n}"))["code"] for n in range(10)]

    assert set(codes[-7:]) == {"too_many_streams"}


RARE = Rate(3, 0.01)


@pytest.mark.parametrize(
    "limits", [Limits(user_writes=RARE), Limits(address_writes=RARE)], ids=["user", "address"]
)
async def test_writes_are_limited_together(make_peer, loop_clock, limits) -> None:
    """What one user does on all connections, and one address for all users, has limits of its own."""
    turnstile = Turnstile(limits)
    first = await make_peer("Ann", turnstile=turnstile)
    same = first.signed_in if limits.user_writes == RARE else None
    second = await make_peer("Bob", same, turnstile=turnstile)
    for n in range(3):
        assert (await first.send(f"nonce-{n:03}"))["t"] == "ok"
    refused = await second.send("nonce-second")

    assert refused["code"] == "too_many_requests"
    assert 50_000 < refused["after"] <= 100_000
    await loop_clock.advance(refused["after"] / 1000)
    assert (await second.send("nonce-second"))["t"] == "ok"
    assert (await first.send("nonce-first"))["code"] == "too_many_requests"


async def test_limit_of_one_connection_is_set(make_peer, loop_clock) -> None:
    """What one connection may write is as the settings say."""
    ann = await make_peer("Ann", turnstile=Turnstile(Limits(writes=RARE)))
    await ann.offer("nonce-01", "nonce-02", "nonce-03", "nonce-04")
    await ann.requests.settle()

    assert [error["id"] for error in ann.heard("err")] == [3]
