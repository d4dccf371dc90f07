"""Peers that keep us busy: however much one sends at once, the others have their turns."""

from __future__ import annotations

import asyncio
import socket

import pytest

from fullduplex.protocol.frames import FrameReader
from fullduplex.protocol.limits import Limits
from fullduplex.transport.connection import BATCH

from ..protocol.wire import BINARY, CONTINUATION, KEY, PING, PONG, TEXT, frame
from .targets import attacker, under_attack, until

# Each row: what begins a flood, and what it is made of.

FLOODS = {
    "empty messages": (b"", frame(BINARY, key=KEY)),
    "tiny texts": (b"", frame(TEXT, b"x", key=KEY)),
    "pings": (b"", frame(PING, key=KEY)),
    "pongs": (b"", frame(PONG, key=KEY)),
    "tiny fragments": (frame(TEXT, fin=False, key=KEY), frame(CONTINUATION, b"x", fin=False, key=KEY)),
    "empty fragments": (frame(TEXT, fin=False, key=KEY), frame(CONTINUATION, fin=False, key=KEY)),
}
MESSAGES = ("empty messages", "tiny texts")


@pytest.mark.parametrize("name", FLOODS)
async def test_flood_leaves_turns(name: str, face: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a flood, not many frames are read between two turns of the loop."""
    begin, one = FLOODS[name]
    heads = 0
    most = 0
    read_head = FrameReader._read_head

    def counted(*arguments: object) -> object:
        nonlocal heads
        heads += 1
        return read_head(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(FrameReader, "_read_head", counted)
    limits = Limits(control_rate=None)
    async with under_attack(face, limits=limits, ping_interval=None) as target, attacker(target) as enemy:

        def frames() -> int:
            # The native engine reads heads of messages by itself.
            return target.received.total if name in MESSAGES else heads

        await enemy.open()
        await enemy.send(begin)
        await until(lambda: frames() > 0 or not begin)
        data = one * (65_536 // len(one))
        listening = asyncio.create_task(enemy.hear_all())
        total = frames() + 2 * 65_536 // len(one) - 2
        sending = asyncio.create_task(enemy.send(data, data))
        while frames() < total:
            before = frames()
            await asyncio.sleep(0)
            most = max(most, frames() - before)
        await sending
        enemy.sock.shutdown(socket.SHUT_WR)
        await listening

    assert 0 < most <= 2 * BATCH


async def test_flood_delays_nobody(face: str) -> None:
    """While nine peers flood and take what they are answered, a tenth is answered within a few turns."""
    flood = frame(BINARY, key=KEY) * 10_000
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def flooding() -> None:
        async with attacker(target) as enemy:
            await enemy.open()
            sending = asyncio.create_task(enemy.send(*[flood] * 100))
            try:
                await enemy.hear_all()
            finally:
                sending.cancel()
                await asyncio.wait([sending])

    async with under_attack(face, ping_interval=None) as target, attacker(target) as client:
        tasks = [asyncio.create_task(action) for action in (count(), *(flooding() for _ in range(9)))]
        await client.open()
        await until(lambda: len(target.server.connections) == 10)
        waited = []
        for _ in range(10):
            begun = turns
            await client.send(frame(TEXT, b"polite", key=KEY))
            await client.hear(b"polite")
            waited.append(turns - begun)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    assert max(waited) <= 20
