"""Waiting for the same time, each from another moment on."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.realtime.waits import Waits


@pytest.fixture
def ended() -> list[str]:
    """Return who has waited long enough, in order."""
    return []


@pytest.fixture
def waits(ended) -> Waits[str]:
    """Make what lets names wait for ten seconds."""
    return Waits(10, lambda who, _due: ended.append(who))


async def test_each_waits_from_its_beginning(waits, ended, loop_clock) -> None:
    """Who began first is due first; who begins again waits from then on, and who stopped isn't due."""
    for who in ("ann", "bob", "cleo"):
        waits.begin(who)
        await loop_clock.advance(3)
    waits.begin("ann")
    waits.stop("cleo")
    waits.stop("nobody")

    for expected in ([], ["bob"], ["bob"], ["bob", "ann"]):
        await loop_clock.advance(2.6)
        assert ended == expected


async def test_who_waits_again_may(ended, loop_clock) -> None:
    """Who was due may wait once more, and learns when it was due if that is told late."""
    late = []

    def end(who: str, due: float) -> None:
        late.append(round(asyncio.get_running_loop().time() - due))
        if len(late) < 3:
            waits.begin(who)

    waits = Waits[str](10, end)
    waits.begin("ann")
    await loop_clock.advance(15)
    await loop_clock.advance(10)
    await loop_clock.advance(10)
    await loop_clock.advance(10)

    assert late == [5, 0, 0]


async def test_failure_stops_nobody_else(loop_clock, ended) -> None:
    """When something of ours breaks for one, the others are still due."""
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))

    def end(who: str, _due: float) -> None:
        if who == "ann":
            raise RuntimeError("a bug")
        ended.append(who)

    waits = Waits[str](10, end)
    waits.begin("ann")
    waits.begin("bob")
    await loop_clock.advance(11)

    assert ended == ["bob"]
    assert len(failures) == 1


async def test_nobody_leaves_a_timer(waits, loop_clock) -> None:
    """Where nobody waits any longer, there is no timer."""
    waits.begin("ann")
    waits.stop("ann")
    assert waits._timer is None

    waits.begin("bob")
    await loop_clock.advance(11)
    assert waits._timer is None
