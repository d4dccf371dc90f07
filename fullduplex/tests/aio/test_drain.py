"""How a server's connections are told to end: when, in what order, and who had to be cut."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path
from typing import Any

import pytest

from fullduplex.aio.client import ClientConnection, connect
from fullduplex.aio.drain import Drain
from fullduplex.aio.server import serve, unix_serve
from fullduplex.protocol.states import State

from .ends import echo, end, open_plainly, plain_client, url_of

pytestmark = pytest.mark.asyncio(loop_factories=["virtual"])


class Guest:
    """What a drain needs of a connection."""

    def __init__(self, state: State = State.OPEN) -> None:
        self.state = state
        self.was_cut = False


class Host:
    """Notes who is told to go, and when."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.drain: Drain[Any] = Drain(self.loop)
        self.told: dict[Guest, float] = {}

    def tell(self, guest: Guest) -> None:
        """Note it."""
        assert guest not in self.told
        guest.state = State.CLOSING
        self.told[guest] = self.loop.time()


async def test_all_are_told_at_once() -> None:
    """Without a time to spread it over, everyone is told before ``begin`` returns."""
    host, guests = Host(), {Guest() for _ in range(5)}
    host.drain.begin(guests, host.tell)

    assert host.told == dict.fromkeys(guests, 0)


async def test_time_is_shared_out() -> None:
    """Everyone is told once, each in a part of the time of their own."""
    host, guests = Host(), {Guest() for _ in range(50)}
    host.drain.begin(guests, host.tell, 10)
    await asyncio.sleep(5)
    assert 24 <= len(host.told) <= 26
    await asyncio.sleep(20)

    assert host.told.keys() == guests
    for place, moment in enumerate(sorted(host.told.values())):
        assert place * 0.2 <= moment <= (place + 1) * 0.2


async def test_jitter_decides() -> None:
    """The same random numbers give the same moments, and others other ones."""

    async def moments(seed: int) -> list[float]:
        host, guests = Host(), [Guest() for _ in range(10)]
        begun = host.loop.time()
        host.drain.begin(guests, host.tell, 10, random.Random(seed).random)
        await asyncio.sleep(10)
        return [round(host.told[guest] - begun, 3) for guest in guests]

    assert await moments(1) == await moments(1) != await moments(2)
    assert await moments(1) != sorted(await moments(1))


async def test_who_left_is_not_told() -> None:
    """Whoever ends before their moment isn't told, and leaves no timer behind."""
    host, guests = Host(), [Guest() for _ in range(4)]
    host.drain.begin(guests, host.tell, 10)
    for guest in guests[:2]:
        host.drain.ended(guest)
    await asyncio.sleep(20)

    assert host.told.keys() == set(guests[2:])


async def test_closing_ones_are_not_told() -> None:
    """Whoever is closing already is waited for like the others, and not told."""
    host, guest = Host(), Guest(State.CLOSING)
    host.drain.begin([guest], host.tell, 10)
    await asyncio.sleep(20)
    assert host.told == {}

    guest.was_cut = True
    host.drain.ended(guest)
    assert host.drain.stragglers == [guest]


async def test_the_cut_are_stragglers() -> None:
    """Whoever had to be cut after being told is remembered; nobody else is."""
    host, (slow, quick, early, stranger) = Host(), [Guest() for _ in range(4)]
    host.drain.begin([slow, quick, early], host.tell, 10, iter([0, 0, 0.9, 0, 0, 0]).__next__)
    await asyncio.sleep(5)
    for guest in (slow, early, stranger):
        guest.was_cut = True
    for guest in (slow, quick, early, stranger, slow):
        host.drain.ended(guest)

    assert host.told.keys() == {slow, quick}
    assert host.drain.stragglers == [slow]


async def test_nobody_is_no_trouble() -> None:
    """A server without connections is drained at once."""
    host = Host()
    host.drain.begin([], host.tell, 10)

    assert host.drain.stragglers == []


# On a server.


async def test_server_drains_slowly() -> None:
    """Each connection is closed once, in its own part of the time, and served until then; nobody new is."""
    loop = asyncio.get_running_loop()
    ends: list[float] = []

    async def stay(client: ClientConnection) -> tuple[int | None, str | None]:
        await client.wait_closed()
        ends.append(loop.time() - begun)
        return client.close_code, client.close_reason

    server = await serve(echo, "localhost", 0, ping_interval=None)
    clients = [await connect(url_of(server), ping_interval=None) for _ in range(5)]
    address = url_of(server)
    staying = [asyncio.create_task(stay(client)) for client in clients]
    begun = loop.time()
    server.close(code=1012, reason="restart", over=10, jitter=random.Random(4).random)
    await asyncio.sleep(4)
    with pytest.raises(OSError):
        await connect(address)
    open_ones = [client for client in clients if client.state is State.OPEN]
    for client in open_ones:
        await client.send("still here")
        assert await client.recv() == "still here"
    assert 2 <= len(open_ones) <= 4
    await server.wait_closed()

    assert await asyncio.gather(*staying) == [(1012, "restart")] * 5
    assert all(place * 2 <= end <= place * 2 + 2.5 for place, end in enumerate(ends))
    assert server.stragglers == []


async def test_server_drains_at_once() -> None:
    """Without ``over``, no time passes."""
    loop = asyncio.get_running_loop()
    server = await serve(echo, "localhost", 0, ping_interval=None)
    clients = [await connect(url_of(server), ping_interval=None) for _ in range(5)]
    begun = loop.time()
    server.close()
    await server.wait_closed()
    for client in clients:
        await client.wait_closed()

    assert loop.time() - begun < 1
    assert {client.close_code for client in clients} == {1001}


async def test_early_leavers_shorten_drain() -> None:
    """When the last connection has ended by itself, the server doesn't wait for the rest of the time."""
    loop = asyncio.get_running_loop()
    server = await serve(echo, "localhost", 0, ping_interval=None)
    client = await connect(url_of(server), ping_interval=None)
    begun = loop.time()
    server.close(over=1000, jitter=lambda: 1)
    await client.close()
    await server.wait_closed()

    assert loop.time() - begun < 1
    assert client.close_code == 1000


async def test_stragglers_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """Who doesn't answer the Close frame in time is cut, remembered, and told of in one warning."""
    loop = asyncio.get_running_loop()
    caplog.set_level(logging.WARNING)
    async with (
        serve(echo, "localhost", 0, ping_interval=None, close_timeout=7) as server,
        plain_client(server) as first,
        plain_client(server) as second,
        connect(url_of(server)),
    ):
        for deaf in (first, second):
            await open_plainly(*deaf)
        addresses = {str(writer.get_extra_info("sockname")) for _, writer in (first, second)}
        begun = loop.time()
        server.close(code=1012, over=10)
        await server.wait_closed()

    assert 7 <= loop.time() - begun <= 18
    assert {str(connection.remote_address) for connection in server.stragglers} == addresses
    [record] = caplog.records
    assert (record.name, record.levelname) == ("fullduplex.server", "WARNING")
    assert record.getMessage().startswith(
        "cut 2 connection(s) that didn't finish the closing handshake in time: ("
    )
    assert all(address in record.getMessage() for address in addresses)


async def test_many_stragglers_are_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The warning names some of many, and all of them are kept."""
    monkeypatch.setattr("fullduplex.aio.listener.NAMED_STRAGGLERS", 1)
    async with (
        serve(echo, "localhost", 0, ping_interval=None) as server,
        plain_client(server) as first,
        plain_client(server) as second,
    ):
        for deaf in (first, second):
            await open_plainly(*deaf)
        server.close()
        await server.wait_closed()

    assert len(server.stragglers) == 2
    assert caplog.records[-1].getMessage().endswith(f"{server.stragglers[0].remote_address}, and others")


async def test_nameless_stragglers_are_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Peers on a Unix socket have no address to name."""
    async with unix_serve(echo, tmp_path / "s", ping_interval=None) as server:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        await open_plainly(reader, writer)
        server.close()
        await server.wait_closed()
        await end(writer)

    assert caplog.records[-1].getMessage().endswith(": a Unix socket")


async def test_vanished_peers_are_no_stragglers(caplog: pytest.LogCaptureFixture) -> None:
    """Who cuts the connection instead of answering didn't have to be cut."""
    async with (
        serve(echo, "localhost", 0, ping_interval=None) as server,
        plain_client(server) as (reader, writer),
    ):
        await open_plainly(reader, writer)
        server.close()
        await reader.readexactly(4)
        writer.transport.abort()
        await server.wait_closed()

    assert server.stragglers == []
    assert caplog.records == []


async def test_negative_time_is_refused() -> None:
    """A time that is no time closes nothing."""
    async with serve(echo, "localhost", 0) as server:
        with pytest.raises(ValueError, match="over"):
            server.close(over=-1)
        assert server.is_serving()
