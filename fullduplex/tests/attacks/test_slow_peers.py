"""Peers that are slow, silent or gone: each is given its time, and then its place is free again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ..protocol.wire import CLOSE, KEY, PING, TEXT, frame, upgrade_request
from .targets import Attacker, Target, attacker, under_attack

pytestmark = pytest.mark.asyncio(loop_factories=["virtual"])

GOOD = upgrade_request()
HELLO = frame(TEXT, b"Hello", key=KEY)


def now() -> float:
    """Return the loop's time in seconds."""
    return asyncio.get_running_loop().time()


async def seconds_until_end(enemy: Attacker) -> float:
    """Return how long the server takes to end a connection."""
    begun = now()
    await enemy.hear_all()
    return now() - begun


@contextlib.asynccontextmanager
async def dripping(enemy: Attacker, data: bytes, seconds: float) -> AsyncIterator[None]:
    """Send one byte after the other, and let time pass between them, while the block runs."""

    async def drip() -> None:
        for at in range(len(data)):
            await enemy.send(data[at : at + 1])
            await asyncio.sleep(seconds)

    task = asyncio.create_task(drip())
    yield
    task.cancel()
    await asyncio.wait([task])


async def seconds_until_gone(target: Target) -> float:
    """Return how long the server keeps anything of a connection."""
    begun = now()
    for _ in range(100):
        if not target.server._open and not target.server._opening:
            break
        await asyncio.sleep(0.25)
    return now() - begun


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"G",
        GOOD[:-2],
        b"GET / HTTP/1.1\r\nX: " + b"y" * 8000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["nothing", "a byte", "all but the end", "a long header", "TLS"],
)
async def test_silent_handshakes_are_cut(begun: bytes, face: str) -> None:
    """However far it has got, a handshake ends at the open time-out."""
    async with under_attack(face, open_timeout=7) as target, attacker(target) as enemy:
        await enemy.send(begun)

        assert await seconds_until_end(enemy) == pytest.approx(7, abs=0.1)


async def test_dripping_handshakes_are_cut(face: str) -> None:
    """A byte now and then buys no time: there is one deadline, from the beginning."""
    async with (
        under_attack(face, open_timeout=7) as target,
        attacker(target) as enemy,
        dripping(enemy, GOOD, 0.5),
    ):
        assert await seconds_until_end(enemy) == pytest.approx(7, abs=0.1)


async def test_many_silent_handshakes_are_cut(face: str) -> None:
    """A hundred at once take nobody's place, and all of them end."""
    async with under_attack(face, open_timeout=7) as target:
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(stay_silent(target, GOOD[:number]))
            await asyncio.sleep(1)
            assert await target.answers()
        assert now() == pytest.approx(7, abs=0.2)


async def stay_silent(target: Target, begun: bytes) -> None:
    """Begin a handshake, and wait for the server to end it."""
    async with attacker(target) as enemy:
        await enemy.send(begun)
        await enemy.hear_all()


@pytest.mark.parametrize("opens", [False, True])
async def test_refused_peers_are_cut(opens: bool, face: str) -> None:
    """Who was refused or broke a rule, and doesn't go, is cut at the close time-out, whatever it sends."""
    async with under_attack(face, close_timeout=5) as target, attacker(target) as enemy:
        if opens:
            await enemy.open()
            await enemy.send(frame(3, key=KEY))
        else:
            await enemy.send(GOOD.replace(b": 13", b": 8"))
        await enemy.hear(b"5.2" if opens else b"426")
        async with dripping(enemy, HELLO * 10, 0.5):
            assert await seconds_until_gone(target) == pytest.approx(5, abs=0.3)


@pytest.mark.parametrize("data", [b"", HELLO, frame(PING, key=KEY)])
async def test_unanswered_close_is_cut(data: bytes, face: str) -> None:
    """A peer that doesn't answer our Close frame, or talks on instead, is cut at the close time-out."""
    async with under_attack(face, close_timeout=5, ping_interval=None) as target, attacker(target) as enemy:
        await enemy.open()
        [connection] = target.server.connections
        connection.start_close(1001)
        begun = now()
        await enemy.hear(frame(CLOSE, b"\x03\xe9"))
        for _ in range(10):
            await enemy.send(data)
            await asyncio.sleep(0.4)
        await enemy.hear_all()

        assert now() - begun == pytest.approx(5, abs=0.3)


@pytest.mark.parametrize("data", [b"", HELLO[:1], HELLO[:-1], frame(TEXT, b"x", fin=False, key=KEY)])
async def test_half_open_peers_are_noticed(data: bytes, face: str) -> None:
    """A peer that fell silent, in the middle of a frame or message too, is told 1011 and let go."""
    async with under_attack(face, ping_interval=20, ping_timeout=15) as target, attacker(target) as enemy:
        await enemy.open()
        begun = now()
        await enemy.send(data)
        pings, code = await enemy.told()

        assert [ping.opcode for ping in pings] == [PING]
        assert code == 1011
        assert now() - begun == pytest.approx(35, abs=0.5)


async def test_deaf_peers_are_cut(face: str) -> None:
    """A peer that asks and asks and takes no answer is cut by the keepalive, though it is never silent."""
    async with (
        under_attack(face, ping_interval=20, ping_timeout=15) as target,
        attacker(target, window=4096) as enemy,
    ):
        await enemy.open()
        sending = asyncio.create_task(enemy.send(*[frame(TEXT, b"x" * 60_000, key=bytes(4))] * 1000))
        await asyncio.sleep(1)
        [connection] = target.server.connections
        assert connection.is_reading_paused
        await sending

        assert now() == pytest.approx(35, abs=2)


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("breaks_off", [False, True])
async def test_loop_rests_after_attacks(opens: bool, breaks_off: bool, face: str) -> None:
    """After any end nothing keeps the loop busy: virtual time passes only while it rests."""
    async with under_attack(face) as target:
        for data in (b"", HELLO, HELLO[:-1], frame(3, key=KEY), frame(CLOSE, key=KEY)):
            async with attacker(target) as enemy:
                await (enemy.open() if opens else enemy.send(GOOD[:-1]))
                await enemy.send(data if opens else b"")
                if breaks_off:
                    enemy.reset()
        begun = now()
        await asyncio.sleep(60)

        assert now() - begun == pytest.approx(60, abs=0.1)
        assert target.server._open == set()
