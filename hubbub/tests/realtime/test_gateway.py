"""Letting connections in, and letting them go."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.rename import rename
from hubbub.actions.sign_out import sign_out
from hubbub.realtime.gateway import Gateway

CLIENT = {"name": "test", "ver": "1"}


@pytest.fixture
async def gateway(shared) -> Gateway:
    """Make a gateway that nobody has come through."""
    gateway = Gateway(shared)
    shared.bus.subscribe(gateway.hear)
    return gateway


@pytest.fixture
def enter(gateway, connect):
    """Return what opens a connection and a session on it."""

    async def make(token: str):
        connection = connect()
        task = asyncio.ensure_future(gateway.converse(connection, token))
        connection.say("hello", client=CLIENT)
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


async def test_revoked_token_is_no_way_in(gateway, connect, database, bus, guest, monkeypatch) -> None:
    """A session that is revoked while its hello is looked at doesn't stay."""
    ann = await guest("Ann")
    from hubbub.realtime import session

    real = session.authenticate

    async def slow(*args):
        user = await real(*args)
        await sign_out(database, bus, ann.token)
        return user

    monkeypatch.setattr(session, "authenticate", slow)
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
