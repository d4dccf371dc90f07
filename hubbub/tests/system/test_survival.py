"""A server that is killed, again and again, while people talk: nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from faults.server import Server

from fullduplex import WebSocketException

from .clients import LOBBY, Client, dial, read_log, sign_in

SPEAKERS = 12
MESSAGES = 60
BURST = 20
"""How many messages one connection may send at once; who has more, comes back."""
KILLS_AT = (60, 150, 260, 400)
"""How many acknowledgements there have been at each kill."""

BROKEN = (OSError, TimeoutError, WebSocketException)

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Mortal(Server):
    """A server that can be killed; `up` says whether it is worth trying to reach it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.up = asyncio.Event()

    async def start(self) -> None:
        """Start it, on the port that it had."""
        await super().start()
        self.up.set()

    async def die(self) -> None:
        """Kill it, in the middle of whatever it does."""
        self.up.clear()
        await self.stop(kill=True)


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[Mortal]:
    """Run a chat in a process of its own."""
    server = Mortal(tmp_path / "data")
    await server.start()
    yield server
    await server.die()


class Speaker:
    """Someone with an outbox: what isn't acknowledged is sent again, in order, under the same nonce."""

    def __init__(self, server: Mortal, name: str, token: str, acknowledged: asyncio.Queue[str]) -> None:
        self.nonces = [f"{name}-{n:04}" for n in range(MESSAGES)]
        self.places: dict[str, int] = {}
        self.user = ""
        self._server = server
        self._token = token
        self._acknowledged = acknowledged

    async def speak(self) -> None:
        """Send everything, however often the connection breaks."""
        while len(self.places) < MESSAGES:
            await self._server.up.wait()
            try:
                async with dial(self._server.address, self._token) as connection:
                    client = Client(connection)
                    self.user = (await client.hello())["me"]["id"]
                    await self._send_outbox(client)
            except BROKEN:
                continue

    async def _send_outbox(self, client: Client) -> None:
        outbox = [nonce for nonce in self.nonces if nonce not in self.places][:BURST]
        for number, nonce in enumerate(outbox):
            await client.tell("send", id=number, s=LOBBY, n=nonce, d={"text": nonce})
        for _ in outbox:
            answer = await client.hear("ok", "err")
            assert answer["t"] == "ok", answer
            nonce = outbox[answer["id"]]
            self.places[nonce] = answer["q"]
            self._acknowledged.put_nowait(nonce)


class Follower:
    """Someone who only listens, and resumes where the connection broke."""

    def __init__(self, server: Mortal, token: str) -> None:
        self.numbers: list[int] = []
        self.nonces: list[str] = []
        self._server = server
        self._token = token
        self._epoch = 0
        self._heard = asyncio.Event()

    async def catch_up(self, q: int) -> None:
        """Wait until everything up to this number was heard."""
        while self.numbers[-1] < q:
            self._heard.clear()
            await self._heard.wait()

    async def follow(self) -> None:
        """Listen until cancelled."""
        while True:
            await self._server.up.wait()
            try:
                async with dial(self._server.address, self._token) as connection:
                    client = Client(connection)
                    await client.hello()
                    await self._listen(client)
            except BROKEN:
                continue

    async def _listen(self, client: Client) -> None:
        at = {"at": [self._epoch, self.numbers[-1]]} if self.numbers else {}
        copy = await client.ask("sub", s=LOBBY, **at)
        self._epoch = copy["epoch"]
        if at:
            assert copy["mode"] == "delta"
        else:
            self.numbers.append(copy["head"])
            self.nonces += [message["n"] for message in copy["snap"]["msgs"]]
        for event in copy.get("ev", []):
            self._apply(event)
        while True:
            self._apply(await client.hear("ev"))

    def _apply(self, event: dict[str, Any]) -> None:
        assert event["q"] == self.numbers[-1] + 1
        self.numbers.append(event["q"])
        if event["k"] == "msg.new":
            self.nonces.append(event["d"]["n"])
        self._heard.set()


async def test_killed_server_keeps_its_word(server: Mortal) -> None:
    """Every acknowledged message is there once, where it was said to be, in its author's order."""
    acknowledged: asyncio.Queue[str] = asyncio.Queue()
    follower = Follower(server, await sign_in(server.address, "Follower"))
    following = asyncio.ensure_future(follower.follow())
    names = [f"speaker-{number:02}" for number in range(SPEAKERS)]
    speakers = [Speaker(server, name, await sign_in(server.address, name), acknowledged) for name in names]
    speaking = asyncio.gather(*(speaker.speak() for speaker in speakers))

    count = 0
    for kill_at in KILLS_AT:
        while count < kill_at:
            await acknowledged.get()
            count += 1
        await server.die()
        await server.start()
    await speaking

    async with dial(server.address, await sign_in(server.address, "Reader")) as connection:
        reader = Client(connection)
        await reader.hello()
        log = await read_log(reader)
    await follower.catch_up(log[-1]["q"])
    following.cancel()
    await asyncio.wait([following])

    assert len(log) == SPEAKERS * MESSAGES
    by_nonce = {message["n"]: message for message in log}
    for speaker in speakers:
        assert {nonce: by_nonce[nonce]["q"] for nonce in speaker.nonces} == speaker.places
        assert [message["n"] for message in log if message["by"] == speaker.user] == speaker.nonces
    assert [message["q"] for message in log] == sorted(message["q"] for message in log)
    assert follower.nonces == [message["n"] for message in log]
