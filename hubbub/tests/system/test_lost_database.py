"""PostgreSQL that falls under a chat that is running, as by a cut of power, and comes back."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import msgspec
import pytest
from faults.postgresql import PostgreSQL

from hubbub.app import run_chat
from hubbub.config import Settings

from .clients import Client, dial, read_log, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEAKERS = 4
MESSAGES = 12
"""Fewer than a connection may send at once, also if some have to be sent again."""


async def speak(
    client: Client, name: str, stored: dict[str, int], down: asyncio.Event, up: asyncio.Event
) -> None:
    """Send messages one after the other, each until it is stored; half of them only once all is down."""
    for number in range(MESSAGES):
        if number == MESSAGES // 2:
            await down.wait()
        nonce = f"{name}-{number:03}"
        while (answer := await client.send(nonce))["t"] == "err":
            assert answer["code"] == "unavailable", answer
            assert answer["retry"]
            await up.wait()
        stored[nonce] = answer["q"]


async def test_lost_database_comes_back(postgresql: PostgreSQL, settings: Settings) -> None:
    """Nobody is disconnected, and nothing that was acknowledged is lost or doubled."""
    await postgresql.make("fallible")
    url = postgresql.address("fallible")
    stored: dict[str, int] = {}
    down, up = asyncio.Event(), asyncio.Event()
    async with (
        run_chat(msgspec.structs.replace(settings, database=url)) as address,
        httpx.AsyncClient(base_url=address) as http,
    ):
        tokens = [await sign_in(address, f"Speaker {number}") for number in range(SPEAKERS)]
        connections = [await dial(address, token) for token in tokens]
        clients = [Client(connection) for connection in connections]
        for client in clients:
            await client.hello()
        speaking = [
            asyncio.ensure_future(speak(client, f"name-{number}", stored, down, up))
            for number, client in enumerate(clients)
        ]
        await asyncio.to_thread(postgresql.stop)
        down.set()
        lost = await http.get("/readyz")
        early = len(stored)
        await asyncio.to_thread(postgresql.start)
        up.set()
        await asyncio.gather(*speaking)
        log = await read_log(clients[0])
        for connection in connections:
            await connection.close()

    assert early <= MESSAGES * SPEAKERS // 2
    assert (lost.status_code, lost.json()) == (503, {"status": "unavailable"})
    assert {message["n"]: message["q"] for message in log} == stored
    assert len(log) == len(stored) == MESSAGES * SPEAKERS
    for _, own in itertools.groupby(sorted(stored), key=lambda nonce: nonce[:6]):
        numbers = [stored[nonce] for nonce in own]
        assert numbers == sorted(numbers)
