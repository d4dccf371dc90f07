"""Letting connections in, and letting them go."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import replace

import pytest

from hubbub.actions.authenticate import digest_token
from hubbub.actions.forget_sessions import forget_sessions
from hubbub.actions.rename import rename
from hubbub.actions.sign_out import sign_out
from hubbub.domain.events import SessionBarred
from hubbub.domain.policies import SESSION_LIFETIME
from hubbub.realtime import arrivals
from hubbub.realtime.bucket import Rate
from hubbub.realtime.gateway import Gateway
from hubbub.realtime.turnstile import Limits, Turnstile

CLIENT = {"name": "test", "ver": "1"}


class Watched(Gateway):
    """A gateway of which the test sees when somebody has left."""

    def __init__(self, shared) -> None:
        super().__init__(shared)
        self._over: dict[object, asyncio.Event] = {}

    async def converse(self, connection, token: str, sender: str = "") -> None:
        """Let a session begin, and wait until it is over."""
        over = self._over[connection] = asyncio.Event()
        self.come(connection, token, sender)
        await over.wait()

    def leave(self, session) -> None:
        """Forget a session that is over."""
        super().leave(session)
        self._over[session._connection].set()


@pytest.fixture
async def gateway(shared) -> Watched:
    """Make a gateway that nobody has come through."""
    gateway = Watched(shared)
    shared.bus.subscribe(gateway.hear)
    return gateway


@pytest.fixture
def enter(gateway, connect):
    """Return what opens a connection and a session on it."""

    async def make(token: str, **client: str):
        connection = connect()
        task = asyncio.ensure_future(gateway.converse(connection, token))
        connection.say("hello", client=CLIENT | client)
        await connection.hear()
        return connection, task

    return make


async def test_sign_out_ends_its_connections(gateway, enter, database, bus, guest) -> None:
    """Every connection of the session goes; another session of anyone stays."""
    ann, bob = await guest("Ann"), await guest("Bob")
    first, second, other = await enter(ann.token), await enter(ann.token), await enter(bob.token)

    await sign_out(database, bus, ann.token)
    await asyncio.gather(first[1], second[1])

    for connection, _ in (first, second):
        assert connection.frames[-1] == {"t": "bye", "code": 4101, "why": "signed out", "retry": "reauth"}
        assert connection.closed.code == 4101
    assert not other[1].done()
    other[0].hang_up()
    await other[1]


async def test_device_is_in_one_place(gateway, enter, guest) -> None:
    """A device that comes anew takes the place of its older connection; others stay."""
    ann, bob = await guest("Ann"), await guest("Bob")
    others = [
        await enter(ann.token, device="desk"),
        await enter(ann.token),
        await enter(ann.token),
        await enter(bob.token, device="phone"),
    ]
    old, gone = await enter(ann.token, device="phone")
    new = await enter(ann.token, device="phone")
    await gone
    newest = await enter(ann.token, device="phone")
    await new[1]

    for connection in (old, new[0]):
        assert connection.frames[-1]["code"] == connection.closed.code == 4004
        assert connection.frames[-1]["retry"] == "resume"
    for connection, task in (*others, newest):
        assert not task.done()
        connection.hang_up()
        await task
    assert gateway._devices == {}


async def test_expiry_ends_its_connections(gateway, enter, database, bus, guest, wall_clock) -> None:
    """When a session's time is over its connections go, to sign in again; a younger one stays."""
    ann = await guest("Ann")
    wall_clock.now += SESSION_LIFETIME * 1000 - 1
    bob = await guest("Bob")
    connection, task = await enter(ann.token)
    other, going_on = await enter(bob.token)

    await forget_sessions(database, bus)
    assert not task.done()
    wall_clock.now += 1
    await forget_sessions(database, bus)
    await task

    bye = {"t": "bye", "code": 4100, "why": "no longer signed in", "retry": "reauth"}
    assert connection.frames[-1] == bye
    assert connection.closed.code == 4100
    assert not going_on.done()
    other.hang_up()
    await going_on


async def test_revoked_token_is_no_way_in(gateway, connect, database, bus, guest, monkeypatch) -> None:
    """A session that is revoked while its hello is looked at doesn't stay."""
    ann = await guest("Ann")
    real = arrivals.authenticate_all

    async def slow(*args):
        found = await real(*args)
        await sign_out(database, bus, ann.token)
        return found

    monkeypatch.setattr(arrivals, "authenticate_all", slow)
    connection = connect()
    connection.say("hello", client=CLIENT)
    await gateway.converse(connection, ann.token)

    assert connection.closed.code == 4101


async def test_drain_says_goodbye_to_all(gateway, enter, connect, guest) -> None:
    """Everyone is told to come back, each in a time of their own; who comes late is told as well."""
    ann = await guest("Ann")
    callers = [await enter(ann.token) for _ in range(5)]

    await gateway.drain()
    late = connect()
    await gateway.converse(late, ann.token)

    byes = [connection.frames[-1] for connection, _ in callers] + [late.frames[-1]]
    assert all((bye["t"], bye["code"], bye["retry"]) == ("bye", 1012, "resume") for bye in byes)
    assert all(0 <= bye["after"] <= 1000 for bye in byes)
    assert len({bye["after"] for bye in byes}) > 1
    assert all(connection.closed.code == 1012 for connection, _ in callers)
    await asyncio.gather(*(task for _, task in callers))


async def test_new_name_goes_on_all_connections(gateway, enter, database, bus, guest) -> None:
    """Whoever takes another name is called by it in what they do afterwards."""
    ann = await guest("Ann")
    connection, task = await enter(ann.token)
    await rename(database, bus, ann.user, "Annie")
    connection.say("call", id=1, m="room.create", n="nonce-01", p={"name": "garden"})
    room = (await connection.hear_only("ok"))["r"]["room"]["id"]
    connection.say("log", id=2, s=room, after=0)

    assert (await connection.hear_only("ok"))["ev"][0]["d"]["user"]["name"] == "Annie"
    connection.hang_up()
    await task


@pytest.fixture
def narrow(shared):
    """Return what makes a gateway with limits."""

    def make(limits: Limits) -> Watched:
        return Watched(replace(shared, turnstile=Turnstile(limits)))

    return make


async def come(gateway, connect, token: str, sender: str = "192.0.2.1"):
    """Say hello at a gateway, and return what is heard first, and what lets go of the connection."""
    connection = connect()
    connection.say("hello", client=CLIENT)
    task = asyncio.ensure_future(gateway.converse(connection, token, sender))
    frame = await connection.hear()

    async def go() -> None:
        connection.hang_up()
        await task

    return frame, go


async def test_connections_of_a_user_are_limited(narrow, connect, guest) -> None:
    """One connection too many of a user is asked to come back later, and is counted no longer once gone."""
    gateway, ann, bob = narrow(Limits(user_connections=2)), await guest("Ann"), await guest("Bob")
    come_ = functools.partial(come, gateway, connect)
    (first, go), (_, other) = await come_(ann.token), await come_(ann.token)
    refused, leave = await come_(ann.token)
    for each in (leave, go):
        await each()
    again, go = await come_(ann.token)
    elsewhere, bobs = await come_(bob.token)
    for each in (go, other, bobs):
        await each()

    assert {first["t"], again["t"], elsewhere["t"]} == {"welcome"}
    assert refused == {
        "t": "bye",
        "code": 4005,
        "why": "too many connections",
        "retry": "resume",
        "after": 30_000,
    }
    assert not gateway._shared.turnstile._users
    assert not gateway._shared.turnstile._senders


async def test_connections_of_an_address_are_limited(narrow, connect, guest) -> None:
    """One connection too many of an address is refused before anything is looked at; another's isn't."""
    gateway, ann = narrow(Limits(address_connections=1)), await guest("Ann")
    _, go = await come(gateway, connect, "nobody's")
    await go()
    first, go = await come(gateway, connect, ann.token)
    refused, leave = await come(gateway, connect, "nobody's")
    elsewhere, away = await come(gateway, connect, ann.token, "192.0.2.2")
    for each in (leave, go, away):
        await each()

    assert (first["t"], refused["code"], elsewhere["t"]) == ("welcome", 4005, "welcome")
    assert refused["after"] == 30_000


async def test_hellos_of_an_address_are_limited(narrow, connect, guest, loop_clock) -> None:
    """Who comes too often is asked to come back when there is room again, and not all at once."""
    gateway, ann = narrow(Limits(hellos=Rate(1, 0.01))), await guest("Ann")
    frames = []
    for _ in range(4):
        frame, go = await come(gateway, connect, ann.token)
        await go()
        frames.append(frame)
    await loop_clock.advance(100)
    again, go = await come(gateway, connect, ann.token)
    await go()

    assert (frames[0]["t"], again["t"]) == ("welcome", "welcome")
    after = [frame["after"] for frame in frames[1:]]
    assert all(90_000 < each <= 105_001 for each in after)
    assert len(set(after)) > 1


async def test_barred_user_is_told(enter, bus, guest) -> None:
    """Whoever may not be in the chat any more is out at once, and told not to come back; others stay."""
    (_, ann_token), (_, bob_token) = await guest("Ann"), await guest("Bob")
    ann, ended = await enter(ann_token)
    bob, _ = await enter(bob_token)
    bus.publish(SessionBarred(digest_token(ann_token).hex()))
    await ended

    assert (ann.frames[-1]["code"], ann.frames[-1]["retry"], ann.closed.code) == (4403, "never", 4403)
    assert bob.closed is None
