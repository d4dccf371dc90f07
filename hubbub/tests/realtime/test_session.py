"""Hellos, heartbeats and goodbyes."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest
from sqlalchemy import update

from hubbub.actions.post_message import post_message
from hubbub.domain.models import LOBBY
from hubbub.domain.policies import MISTAKE_BURST, MISTAKES_PER_SECOND
from hubbub.realtime import arrivals
from hubbub.realtime import session as module
from hubbub.realtime.outbound import HIGH_WATER, STALL, Outbound
from hubbub.realtime.requests import Requests
from hubbub.realtime.session import (
    HEARTBEAT,
    HEARTBEAT_GRACE,
    HELLO_TIMEOUT,
    REVOKED,
    UNKNOWN,
    UNREAD,
    UNREAD_SIZE,
    Goodbye,
    Session,
    Times,
)
from hubbub.storage.tables import users

CLIENT = {"name": "test", "ver": "1"}


class Caller:
    """A connection that a session is on."""

    def __init__(self, connection, token, shared, clock) -> None:
        self.clock = clock
        self.connection = connection
        self.over = asyncio.Event()
        self.times = Times()
        self.session = Session(connection, token, shared, self)

    def arrive(self, session) -> None:
        """It is known whose the session is."""

    def leave(self, session) -> None:
        """The session is over."""
        assert not self.over.is_set()
        self.over.set()

    async def hello(self, **fields: object) -> dict:
        """Open the session."""
        self.connection.say("hello", client=CLIENT, **fields)
        frame = await self.connection.hear()
        await self.clock.settle()
        return frame

    async def bye(self) -> dict:
        """Wait for the end, and return the last frame."""
        frame = await self.connection.hear_only("bye")
        await self.over.wait()
        assert self.connection.closed.code == frame["code"]
        assert self.connection.closed.reason == frame["why"]
        return frame


@pytest.fixture
async def call(shared, connect, loop_clock):
    """Return what calls the server."""
    callers = []

    def make(token: str | None = None) -> Caller:
        connection = connect()
        callers.append(Caller(connection, token, shared, loop_clock))
        return callers[-1]

    yield make
    for caller in callers:
        caller.connection.hang_up()
        await caller.over.wait()


async def test_welcome_tells_all_that_is_needed(call, guest, wall_clock) -> None:
    """Who is known by a cookie's token is welcomed, with how far their streams are."""
    ann = await guest("Ann")

    welcome = await call(ann.token).hello()

    assert welcome["t"] == "welcome"
    assert welcome["me"] == {"id": ann.user.id, "name": "Ann", "kind": "guest"}
    assert (welcome["v"], welcome["hb"], welcome["now"]) == (1, 25, wall_clock.now)
    assert welcome["heads"] == {"me": [wall_clock.now, 1], LOBBY: [wall_clock.now, 1]}
    assert welcome["limits"]["frame"] == 262_144
    assert welcome["limits"]["text"] == 16_000


async def test_token_in_hello_will_do(call, guest) -> None:
    """A program without cookies shows its token in the hello."""
    ann = await guest("Ann")

    assert (await call().hello(token=ann.token))["me"]["id"] == ann.user.id


async def test_heads_leave_out_what_is_known(call, guest, wall_clock) -> None:
    """Streams that haven't moved past the client's position aren't listed."""
    ann = await guest("Ann")

    welcome = await call(ann.token).hello(at={"me": [wall_clock.now, 1], LOBBY: [wall_clock.now, 0]})

    assert welcome["heads"] == {LOBBY: [wall_clock.now, 1]}


async def test_sessions_have_ids_of_their_own(call, guest) -> None:
    """No two sessions have the same id."""
    ann = await guest("Ann")

    assert (await call(ann.token).hello())["sid"] != (await call(ann.token).hello())["sid"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_inbox_moves_during_hello(call, guest, database, monkeypatch, when) -> None:
    """What comes into an inbox while it is found out whose it is, is in the welcome."""
    ann, bob = await guest("Ann"), await guest("Bob")
    real = arrivals.authenticate_all

    async def look_slowly(*args):
        found = await real(*args) if when == "after" else None
        await post_message(database, bob.user, LOBBY, "nonce-01", f"<@{ann.user.id}>")
        return found or await real(*args)

    monkeypatch.setattr(arrivals, "authenticate_all", look_slowly)
    caller = call(ann.token)
    welcome = await caller.hello()
    await post_message(database, bob.user, LOBBY, "nonce-02", f"<@{ann.user.id}>")

    assert welcome["heads"]["me"][1] == 2
    assert (await caller.connection.hear_only("ev"))["q"] == 3


@pytest.mark.parametrize("token", [None, "", "wrong"])
async def test_unknown_caller_is_turned_away(call, token) -> None:
    """Without a token that is worth anything, it is over after the hello."""
    caller = call(token)
    caller.connection.say("hello", client=CLIENT)

    assert await caller.bye() == {"t": "bye", "code": 4401, "why": "not signed in", "retry": "never"}


async def test_disabled_user_is_turned_away(call, guest, database) -> None:
    """Who has a good token, and may not use it, is told so, and to stay away."""
    ann = await guest("Ann")
    disable = update(users).where(users.c.id == ann.user.id).values(disabled=1)
    await database.write(lambda transaction: transaction.connection.execute(disable))
    caller = call(ann.token)
    caller.connection.say("hello", client=CLIENT)

    bye = {"t": "bye", "code": 4403, "why": "this account is disabled", "retry": "never"}
    assert await caller.bye() == bye


@pytest.mark.parametrize(
    "frame", ['{"t":"ping"}', '{"t":"sub","id":1,"s":"me"}', "[", b"\x00", '{"t":"hello"}'], ids=range(5)
)
async def test_hello_comes_first(call, guest, frame) -> None:
    """Nothing is done for who says anything else."""
    caller = call((await guest("Ann")).token)
    caller.connection.say_raw(frame)

    assert (await caller.bye())["code"] == 4400


async def test_hello_comes_in_time(call, guest, loop_clock) -> None:
    """Who says nothing is not waited for."""
    caller = call((await guest("Ann")).token)
    await loop_clock.settle()
    await loop_clock.advance(HELLO_TIMEOUT)

    assert (await caller.bye())["code"] == 4006


async def test_repeated_abuse_is_the_end(call, guest, loop_clock) -> None:
    """Who goes on sending what can't be read is told to stay away; now and then it does no harm."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    for _ in range(2 * MISTAKE_BURST):
        await loop_clock.advance(1 / MISTAKES_PER_SECOND)
        caller.connection.say_raw("{")
        assert (await caller.connection.hear_only("err"))["code"] == "bad_frame"
    for _ in range(MISTAKE_BURST + 1):
        caller.connection.say_raw(b"\x00")

    bye = {"t": "bye", "code": 4429, "why": "too much that can't be read", "retry": "never"}
    assert await caller.bye() == bye


async def test_unknown_frames_are_no_abuse(call, guest) -> None:
    """What a later client may ask for in good faith is refused, however often, and nothing else."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    for _ in range(2 * MISTAKE_BURST):
        caller.connection.say("dance", id=1)
    caller.connection.say("ping")

    while (frame := await caller.connection.hear())["t"] != "pong":
        assert frame["code"] == "unknown_op"


async def test_inbox_is_live_after_welcome(call, guest, shared) -> None:
    """What happens in one's inbox is heard without asking, and after the welcome."""
    ann = await guest("Ann")
    caller = call(ann.token)
    await caller.hello()

    assert shared.hub.heads(caller.session._outbound) == {"me": 1}


async def test_requests_are_answered(call, guest) -> None:
    """After the welcome, requests are taken."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.connection.say("send", id=7, s=LOBBY, n="nonce-01", d={"text": "hi"})

    assert (await caller.connection.hear())["id"] == 7


async def test_features_are_agreed_on(call, guest) -> None:
    """What the client asks for and the server has is on; what nobody knows isn't."""
    ann = await guest("Ann")

    assert (await call(ann.token).hello())["feat"] == []
    assert (await call(ann.token).hello(feat=["cbor", "badge"]))["feat"] == ["badge"]


async def test_batch_goes_both_ways(call, guest) -> None:
    """Frames may come as one, and answers go as one; each request is taken by itself, in order."""
    caller = call((await guest("Ann")).token)
    welcome = await caller.hello(feat=["batch"])
    pings = [{"t": "ping"}, {"t": "nonsense", "id": 1}, {"t": "ping"}]
    caller.connection.say_raw(json.dumps(pings))
    await caller.clock.settle()
    heard = []
    while caller.connection.frames:
        frame = await caller.connection.hear()
        heard += frame if isinstance(frame, list) else [frame]

    assert welcome["feat"] == ["batch"]
    assert [frame["t"] for frame in heard] == ["pong", "err", "pong"]


async def test_batch_ends_with_the_session(call, guest) -> None:
    """A session that ends leaves the rest of a batch."""
    caller = call((await guest("Ann")).token)
    await caller.hello(feat=["batch"])
    caller.connection.say_raw(json.dumps([{"t": "ping"}] * 100))
    asyncio.get_running_loop().call_soon(caller.session.end, REVOKED)
    await caller.over.wait()

    assert caller.connection.closed.code == 4101
    assert len(str(caller.connection.frames).split("pong")) < 50


async def test_ping_tells_heads(call, guest, loop_clock) -> None:
    """Now and then the server asks whether the client is there, and says how far its streams are."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.connection.say("sub", id=1, s=LOBBY)
    await caller.connection.hear_only("ok")
    await loop_clock.advance(HEARTBEAT)

    assert (await caller.connection.hear_only("ping"))["heads"] == {"me": 1, LOBBY: 1}


async def test_silent_client_is_given_up(call, guest, loop_clock) -> None:
    """A client that doesn't answer a ping is taken for dead."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    await loop_clock.advance(HEARTBEAT)
    await loop_clock.advance(HEARTBEAT_GRACE)

    assert (await caller.bye())["code"] == 4002


async def test_answering_client_is_kept(call, guest, loop_clock) -> None:
    """A client that says anything at all is alive."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    for answer in ("pong", "ping", "pong"):
        await loop_clock.advance(HEARTBEAT)
        caller.connection.say(answer)
        await loop_clock.settle()
        await loop_clock.advance(HEARTBEAT_GRACE)

    assert not caller.over.is_set()


async def test_own_stall_is_nobodys_silence(call, guest, loop_clock) -> None:
    """When this process stood still, the client gets another chance."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    await loop_clock.advance(HEARTBEAT)
    await loop_clock.advance(HEARTBEAT_GRACE + 5)
    assert not caller.over.is_set()

    await loop_clock.advance(HEARTBEAT_GRACE)
    assert (await caller.bye())["code"] == 4002


async def test_stalled_client_is_cut_off(call, guest, loop_clock) -> None:
    """A client that takes nothing any more is told to come back later, if it can hear that."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.connection.slow = True
    caller.connection.buffered_amount = HIGH_WATER + 1
    caller.connection.say("ping")
    await loop_clock.settle()
    for _ in range(int(STALL)):
        await loop_clock.advance(1)
        caller.connection.say("pong")

    assert (await caller.bye())["code"] == 4003


async def clog(caller: Caller) -> None:
    """Let a client ask for more than it takes, until nothing more is taken from it."""
    caller.connection.slow = True
    while not caller.session._outbound.is_full:
        caller.connection.say("ping")
        await caller.clock.settle()


async def test_clogged_client_is_cut_off(call, guest, loop_clock, monkeypatch) -> None:
    """A client that asks for more and more and takes nothing is told to come back later."""
    monkeypatch.setattr("hubbub.realtime.outbound.HIGH_WATER", 100)
    monkeypatch.setattr("hubbub.realtime.outbound.QUEUE_FRAMES", 10)
    caller = call((await guest("Ann")).token)
    await caller.hello()
    await clog(caller)
    await loop_clock.advance(STALL)

    assert (await caller.bye())["code"] == 4003


async def test_goodbye_reaches_clogged_client(call, guest, loop_clock, monkeypatch) -> None:
    """Nobody who takes nothing keeps a session from being ended."""
    monkeypatch.setattr("hubbub.realtime.outbound.HIGH_WATER", 100)
    monkeypatch.setattr("hubbub.realtime.outbound.QUEUE_FRAMES", 10)
    caller = call((await guest("Ann")).token)
    await caller.hello()
    await clog(caller)
    caller.session.end(REVOKED)

    assert (await caller.bye())["code"] == 4101


async def test_clogged_client_is_not_silent(call, guest, loop_clock, monkeypatch) -> None:
    """Who isn't listened to isn't blamed for silence, as long as they take what they asked for."""
    monkeypatch.setattr("hubbub.realtime.outbound.HIGH_WATER", 100)
    monkeypatch.setattr("hubbub.realtime.outbound.QUEUE_FRAMES", 10)
    caller = call((await guest("Ann")).token)
    await caller.hello()
    await clog(caller)
    for _ in range(4):
        await loop_clock.advance(HEARTBEAT_GRACE)
        caller.connection.take_some(1)
    assert not caller.over.is_set()

    caller.connection.take_all()
    await loop_clock.settle()
    caller.connection.say("ping")
    assert await caller.connection.hear_only("pong")


async def test_slow_client_is_not_silent(call, guest, loop_clock, monkeypatch, frame) -> None:
    """Who takes what is ahead of a ping is alive, however long that takes, and is asked afterwards."""
    monkeypatch.setattr("hubbub.realtime.outbound.HIGH_WATER", 100)
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.connection.slow = True
    for _ in range(20):
        caller.session._outbound.answer(frame("ok", 50))
    await loop_clock.advance(HEARTBEAT)
    for _ in range(40):
        caller.connection.take_some(1)
        await loop_clock.advance(HEARTBEAT_GRACE)
    assert not caller.over.is_set()

    caller.connection.take_all()
    await loop_clock.settle()
    before = [frame["t"] for frame in caller.connection.frames]
    caller.connection.frames.clear()
    await loop_clock.advance(HEARTBEAT_GRACE)

    assert "ping" not in before
    assert (await caller.connection.hear())["t"] == "ping"


async def test_dead_client_is_slow(call, guest, loop_clock, monkeypatch, frame) -> None:
    """Who takes nothing of what is ahead of a ping is too slow, and isn't asked for life meanwhile."""
    monkeypatch.setattr("hubbub.realtime.outbound.HIGH_WATER", 100)
    caller = call((await guest("Ann")).token)
    await caller.hello()
    await loop_clock.advance(HEARTBEAT - 1)
    caller.connection.slow = True
    for _ in range(20):
        caller.session._outbound.answer(frame("ok", 50))
    for _ in range(int(STALL)):
        assert not caller.over.is_set()
        await loop_clock.advance(1)

    heard = [frame["t"] for frame in caller.connection.frames]

    assert (await caller.bye())["code"] == 4003
    assert "ping" not in heard


async def test_end_meets_end(call, guest, loop_clock) -> None:
    """A session that is ended in the moment in which its patience ends, ends once."""
    caller = call((await guest("Ann")).token)
    await loop_clock.settle()
    ended = []

    def end() -> None:
        caller.session.end(UNKNOWN)
        ended.append(True)

    loop = asyncio.get_running_loop()
    # The timer of the hello is due first, and the session goes on only in the next turn of the loop.
    loop.call_at(loop.time() + HELLO_TIMEOUT, end)
    await loop_clock.advance(HELLO_TIMEOUT)

    assert (await caller.bye())["code"] == 4006
    assert ended == [True]


async def test_others_have_a_turn(call, guest, loop_clock) -> None:
    """However many requests wait on one connection, another's is done after the first of them."""
    ann = await guest("Ann")
    flooding, other = call(ann.token), call(ann.token)
    await flooding.hello()
    await other.hello()
    for _ in range(100):
        flooding.connection.say("ping")
    other.connection.say("ping")
    await other.connection.hear_only("pong")

    assert len(flooding.connection.frames) < 10


async def test_goodbye_is_said_between_requests(call, guest) -> None:
    """Whoever ends the session, it says why; the first reason counts."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.session.end(REVOKED)
    caller.session.end(UNKNOWN)

    assert await caller.bye() == {"t": "bye", "code": 4101, "why": "signed out", "retry": "reauth"}


async def test_goodbye_waits_for_writes(call, guest, loop_clock) -> None:
    """What was sent before the end is answered before it."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.connection.say("send", id=7, s=LOBBY, n="nonce-01", d={"text": "hi"})
    await loop_clock.settle()
    caller.session.end(Goodbye(1012, "restarting", "resume", 0.25))

    assert (await caller.connection.hear_only("ok", "bye"))["id"] == 7
    assert (await caller.bye())["after"] == 250


async def test_goodbye_has_no_patience(call, guest, loop_clock, monkeypatch) -> None:
    """Writes that take too long don't keep the connection."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("hubbub.realtime.writes.post_message", never)
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.connection.say("send", id=7, s=LOBBY, n="nonce-01", d={"text": "hi"})
    await loop_clock.settle()
    caller.session.end(UNKNOWN)
    await loop_clock.settle()
    await loop_clock.advance(module.SETTLING)

    assert (await caller.bye())["code"] == 4000


async def test_hanging_up_is_no_error(call, guest, shared, caplog) -> None:
    """A client that goes leaves nothing behind, and what it sent last is still done."""
    ann = await guest("Ann")
    caller = call(ann.token)
    await caller.hello()
    caller.connection.say("sub", id=1, s=LOBBY)
    await caller.connection.hear_only("ok")
    caller.connection.say("send", id=7, s=LOBBY, n="nonce-01", d={"text": "hi"})
    caller.connection.hang_up()
    await caller.over.wait()

    assert list(shared.hub.streams(caller.session._outbound)) == []
    assert caller.session._outbound not in shared.presence._connections
    assert not caplog.records
    other = call(ann.token)
    await other.hello()
    other.connection.say("hist", id=1, s=LOBBY, after=0)
    assert [message["n"] for message in (await other.connection.hear())["msgs"]] == ["nonce-01"]


async def test_broken_session_comes_back(call, guest, monkeypatch, caplog) -> None:
    """When something of ours breaks in the hello, the client is asked to try again."""

    async def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("hubbub.realtime.arrivals.authenticate_all", fail)
    caller = call((await guest("Ann")).token)
    caller.connection.say("hello", client=CLIENT)

    assert (await caller.bye())["retry"] == "resume"
    assert "a bug" in caplog.text


async def test_idle_session_has_no_task(call, guest, loop_clock) -> None:
    """What has nothing to do isn't there: neither before the hello, nor between requests."""
    before = asyncio.all_tasks()
    caller = call((await guest("Ann")).token)
    await loop_clock.settle()
    assert asyncio.all_tasks() == before

    await caller.hello()
    caller.connection.say("ping")
    await caller.connection.hear_only("pong")
    await loop_clock.settle()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("size", [1, UNREAD_SIZE // 4])
async def test_unread_messages_are_few(call, guest, monkeypatch, size) -> None:
    """While one request is done, not much is read of what comes after it; later all is done, in order."""
    done = asyncio.Event()
    real = arrivals.authenticate_all

    async def wait(*args):
        await done.wait()
        return await real(*args)

    monkeypatch.setattr(arrivals, "authenticate_all", wait)
    caller = call((await guest("Ann")).token)
    caller.connection.say("hello", client=CLIENT)
    await caller.clock.settle()
    for number in range(100):
        caller.connection.say("unknown", id=number, pad="x" * size)
    await caller.clock.settle()
    unread = len(caller.session._unread)
    done.set()

    assert unread == (UNREAD if size == 1 else 4)
    assert (await caller.connection.hear())["t"] == "welcome"
    assert [(await caller.connection.hear())["id"] for _ in range(100)] == [*range(100)]


async def test_goodbye_lasts_until_the_close(call, guest) -> None:
    """Who has said goodbye isn't forgotten before the connection is closed, and isn't listened to."""
    caller = call((await guest("Ann")).token)
    await caller.hello()
    caller.connection.close = lambda code, why: None
    caller.session.end(REVOKED)
    caller.connection.say("ping")
    await caller.clock.settle()
    assert [frame["t"] for frame in caller.connection.frames] == ["bye"]
    assert not caller.over.is_set()

    caller.connection.hang_up()
    await caller.over.wait()


@pytest.mark.parametrize("how", ["hang up", "end"])
async def test_ended_session_is_no_garbage(guest, connect, shared, loop_clock, how) -> None:
    """What is over is gone at once, and doesn't wait for the collector."""

    class Keeper:
        times = Times()
        arrive = leave = staticmethod(lambda _: None)

    def living() -> set[int]:
        return {id(each) for each in gc.get_objects() if isinstance(each, Session | Outbound | Requests)}

    ann, connection = await guest("Ann"), connect()
    gc.collect()
    gc.disable()
    try:
        before = living()
        session = Session(connection, ann.token, shared, Keeper())
        connection.say("hello", client=CLIENT)
        for number, stream in enumerate(["me", LOBBY]):
            connection.say("sub", id=number, s=stream)
        connection.say("send", id=7, s=LOBBY, n="nonce-01", d={"text": "hi"})
        while (await connection.hear_only("ok")).get("q") is None:
            pass
        await loop_clock.settle()
        connection.hang_up() if how == "hang up" else session.end(REVOKED)
        del session
        await connection.ended.wait()
        await loop_clock.settle()
        left = living() - before
    finally:
        gc.enable()

    assert not left
