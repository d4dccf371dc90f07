"""What conversations share: pings that are shown, silences, and ends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from fullduplex.cli.talk import GRACE, Silence, TalkingConnection, ended, leaving, ping, ping_regularly
from fullduplex.close import Close
from fullduplex.testing import connection_pair

pytestmark = pytest.mark.asyncio(loop_factories=["virtual"])


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


def talking(**options: Any) -> Any:
    """Return a pair whose client is a talking connection."""
    return connection_pair(client={"create_connection": TalkingConnection}, **options)


async def test_pings_are_shown() -> None:
    """The server's pings are shown, with their bytes as far as there is room."""
    said: list[str] = []
    async with talking() as pair:
        await (await pair.server.ping(b"before"))
        pair.client.show = said.append
        for data in (b"", b"\x00A", bytes(33)):
            await (await pair.server.ping(data))

    assert said == ["ping, empty", "ping, 2 bytes: 00 41", f"ping, 33 bytes: {bytes(32).hex(' ')} …"]


async def test_latency_is_shown() -> None:
    """A ping shows how long it took; one that is under way isn't sent again; none outlives the connection."""
    said: list[str] = []
    async with talking() as pair:
        pair.to_client.delay = 0.25
        await asyncio.gather(*(ping(pair.client, b"x", said.append) for _ in range(2)))
        assert said == ["that ping is still under way", "pong after 250.0 ms"]

        pair.to_client.stall()
        waiting = asyncio.create_task(ping(pair.client, None, said.append))
        await asyncio.sleep(1)
        pair.cut()
        await waiting
        await ping(pair.client, None, said.append)
    assert len(said) == 2


async def test_pings_are_regular() -> None:
    """They go out at their time, as long as the answer to the last one is there."""
    times: list[float] = []
    async with talking() as pair:
        pinging = asyncio.create_task(ping_regularly(pair.client, 5, lambda text: times.append(now())))
        await asyncio.sleep(11)
        pinging.cancel()

    assert times == pytest.approx([0, 5, 10], abs=0.01)


async def test_silence_begins_anew() -> None:
    """A silence is over after its time, counted from what broke it last."""
    silence = Silence(1)
    waiting = asyncio.create_task(silence.wait())
    for _ in range(4):
        await asyncio.sleep(0.75)
        silence.broken()
    await waiting
    assert now() == pytest.approx(4)

    silence.broken()
    await asyncio.wait_for(silence.wait(), 1.1)


async def test_silence_may_be_endless() -> None:
    """A silence without a time is never over, and bears being broken."""
    silence = Silence(None)
    waiting = asyncio.create_task(silence.wait())
    await asyncio.sleep(1e6)
    silence.broken()

    assert not waiting.done()
    waiting.cancel()


async def test_leaving_closes() -> None:
    """At its end, the block closes the connection with 1000."""
    async with talking() as pair:
        async with leaving(pair.client):
            pass
        assert pair.server.close_code == 1000


async def test_interrupted_leaving_is_brief() -> None:
    """Interrupted, it says 1001, and doesn't wait long for a server that says nothing."""
    for is_stalled in (False, True):
        async with talking() as pair:
            if is_stalled:
                pair.to_client.stall()
            begun = now()
            with contextlib.suppress(KeyboardInterrupt):
                async with leaving(pair.client):
                    raise KeyboardInterrupt
            assert now() - begun == pytest.approx(GRACE if is_stalled else 0)
            await pair.server.wait_closed()
            assert pair.server.close_code == 1001


@pytest.mark.parametrize(
    "code, asked, status",
    [(1000, None, 0), (1001, None, 0), (4000, None, 3), (4000, Close(4000, "x"), 0), (4000, Close(4001), 3)],
)
async def test_ends_have_a_status(code: int, asked: Close | None, status: int) -> None:
    """A normal end, or the one that was asked for, is 0; any other is 3."""
    async with talking() as pair:
        await pair.client.close(code, "x")

        assert ended(pair.client, asked) == (status, str(pair.client.codec.close_exception))


async def test_causes_are_told() -> None:
    """What isn't a closing handshake has a cause, which is told, with the option that would help."""
    async with connection_pair(client={"create_connection": TalkingConnection, "max_size": 10}) as pair:
        await pair.server.send("x" * 11)
        await pair.client.wait_closed()
        status, how = ended(pair.client)
        assert status == 3
        assert how.endswith("message with 11 bytes exceeds the limit of 10 bytes; --max-size allows for more")

    async with talking() as pair:
        pair.cut()
        await pair.client.wait_closed()
        assert ended(pair.client) == (3, "no close frame received or sent: cut by a test")
