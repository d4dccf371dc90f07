"""Where frames wait for who has no connection."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.realtime.inlet import Inlet
from hubbub.wire import Gap, PresenceChanged, PresenceInfo, encode


@pytest.fixture
async def inlet() -> Inlet:
    """Make one that is empty."""
    return Inlet()


async def test_frames_are_taken_in_order(inlet) -> None:
    """What was written is taken at once, in its order, and makes room."""
    inlet.send("a")
    inlet.send("bc")
    waiting = asyncio.create_task(inlet.drain())
    await asyncio.sleep(0)

    assert (inlet.buffered_amount, waiting.done()) == (3, False)
    assert await inlet.take(25.0) == ["a", "bc"]
    await waiting
    assert inlet.buffered_amount == 0


async def test_frame_ends_the_wait(inlet, loop_clock) -> None:
    """Who waits gets the first frame that comes, or nothing when they have waited enough, or are woken."""
    first = asyncio.create_task(inlet.take(25.0))
    await loop_clock.advance(20.0)
    inlet.send("a")
    assert await first == ["a"]

    second = asyncio.create_task(inlet.take(25.0))
    await loop_clock.settle()
    await loop_clock.advance(26.0)
    assert await second == []

    inlet.wake()
    assert await inlet.take(25.0) == []


async def test_ephemerals_wake_nobody(inlet) -> None:
    """Who types or is present isn't told, and nothing else is left out."""
    inlet.send(encode(PresenceChanged("r_lobby", PresenceInfo("u_ann", "Ann", "on"))).text)
    inlet.send(encode(Gap("r_lobby", 7)).text)

    assert await inlet.take(25.0) == [encode(Gap("r_lobby", 7)).text]
