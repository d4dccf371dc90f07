"""The engine on real connections, whose other end is the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from fullduplex import ServerConnection, serve
from hubbub import wire
from hubbub.client import line
from hubbub.client.line import Line
from hubbub.client.link import GRACE, State
from hubbub.client.news import Ended, Lost, News
from hubbub.client.sync import Sync

from .scripted import ANN, LIMITS

WELCOME = {"t": "welcome", "sid": "s", "me": ANN, "now": 0, "hb": 25, "limits": LIMITS, "heads": {}}


class Station:
    """An engine on a line to a server of the test's making."""

    def __init__(self, address: str) -> None:
        self.sync = Sync(wire.Client("test", "1"), "token", lambda: 0.0)
        self.news: list[News] = []
        self.opened = asyncio.Event()
        self.line = Line(address, self.sync, self._learn)

    def _learn(self) -> None:
        self.news += self.sync.take_news()
        if self.sync.state is State.OPEN:
            self.opened.set()

    async def run(self) -> list[str]:
        """Run until the session has ended; return what was told, by the names of its kinds."""
        await self.line.run()
        return [type(each).__name__ for each in self.news]


@asynccontextmanager
async def server(converse: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve, and give the address."""
    async with serve(converse, "127.0.0.1", 0, subprotocols=[wire.SUBPROTOCOL]) as running:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/"


async def test_line_comes_back() -> None:
    """After a connection is lost there is another, until the server says that there shall be none."""
    hellos = []

    async def converse(connection: ServerConnection) -> None:
        hellos.append(json.loads(await connection.recv()))
        await connection.send(json.dumps(WELCOME))
        await connection.close(1012 if len(hellos) < 3 else 4403, "so be it")

    async with server(converse) as address:
        told = await Station(address).run()

    assert [hello["t"] for hello in hellos] == ["hello"] * 3
    assert told == ["Opened", "Lost", "Opened", "Lost", "Opened", "Ended"]


def make_deaf(times: int) -> Callable[[ServerConnection], Awaitable[None]]:
    """Return a server that says welcome so many times and then hears nothing; afterwards it has nobody."""
    connections = []

    async def converse(connection: ServerConnection) -> None:
        connections.append(connection)
        await connection.recv()
        if len(connections) > times:
            for deaf in connections[:-1]:
                deaf.abort()
            await connection.close(4403)
        else:
            await connection.send(json.dumps(WELCOME))
            connection.pause_reading()
            await connection.wait_closed()

    return converse


async def test_silent_link_is_cut(loop_clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who said nothing for too long isn't waited for when the connection is given up."""
    monkeypatch.setattr(line, "CLOSE_TIMEOUT", 3600.0)

    async with server(make_deaf(1)) as address:
        station = Station(address)
        running = asyncio.create_task(station.run())
        await station.opened.wait()
        await loop_clock.advance(WELCOME["hb"] + GRACE + 1)
        told = await running

    assert told == ["Opened", "Lost", "Ended"]


async def test_stuffed_link_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes nothing for too long isn't waited for either."""
    monkeypatch.setattr(line, "CLOSE_TIMEOUT", 3600.0)
    monkeypatch.setattr(line, "SEND_TIMEOUT", 0.05)

    async with server(make_deaf(1)) as address:
        station = Station(address)
        running = asyncio.create_task(station.run())
        await station.opened.wait()
        for number in range(32):
            station.sync.write(wire.Send(0, "r_tea", f"nonce-{number:03}", wire.Draft("x" * 250_000)), 0.0)
        station.line.stir()
        told = await running

    assert told == ["Opened", "Lost", "Ended"]


async def test_goodbye_is_heeded() -> None:
    """What is said before the close counts, with its reason."""

    async def converse(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"t":"bye","code":4101,"why":"signed out","retry":"reauth"}')
        await connection.close(4101)

    async with server(converse) as address:
        station = Station(address)
        await station.run()

    assert station.news == [Ended("reauth", 4101, "signed out")]


async def test_binary_is_no_frame() -> None:
    """A message that isn't text is passed over."""

    async def converse(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(b"\x00")
        await connection.send(json.dumps(WELCOME))
        await connection.close(4401)

    async with server(converse) as address:
        assert await Station(address).run() == ["Opened", "Ended"]


@pytest.mark.parametrize("status, ends", [(403, True), (404, True), (503, False), (429, False)])
async def test_refused_handshake(status: int, ends: bool) -> None:
    """A status that passes is tried again; any other is the end."""
    statuses = [status, 403]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 {statuses.pop(0)} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as running:
        station = Station(f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/")
        await station.run()

    assert [type(each) for each in station.news] == ([Ended] if ends else [Lost, Ended])
    assert station.sync.state is State.ENDED
