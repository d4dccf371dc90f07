"""Finding out what waits for many at once."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.post_message import post_message
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import LOBBY, Marks
from hubbub.realtime import tallies as module
from hubbub.realtime.tallies import TOGETHER, Tallies


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, int]]:
    """Return of which room, and for how many, is read together."""
    counts: list[tuple[str, int]] = []
    real = module.read_all_marks

    async def read_all_marks(database, room, users):
        counts.append((room, len(users)))
        return await real(database, room, users)

    monkeypatch.setattr(module, "read_all_marks", read_all_marks)
    return counts


async def test_each_is_told_their_own(database, guest, asked) -> None:
    """Who asks at once about a room shares a query, and hears what waits for them; strangers hear nothing."""
    ann, bob = (await guest("Ann")).user, (await guest("Bob")).user
    posted = await post_message(database, ann, LOBBY, "nonce-01", f"<@{bob.id}>")
    tallies = Tallies(database)
    ids = [ann.id, bob.id, "u_nobody", bob.id]
    found = await asyncio.gather(*(tallies.find(LOBBY, each) for each in ids), tallies.find("r_x", bob.id))

    waiting = Marks(posted.q - 1, 1, 1)
    assert [each and each.marks for each in found] == [Marks(posted.q, 0, 0), waiting, None, waiting, None]
    assert {each.head.q for each in found if each} == {posted.q}
    assert asked == [(LOBBY, 3), ("r_x", 1)]


async def test_crowd_keeps_no_room_waiting(database, guest, asked) -> None:
    """However many ask about a room, others have their turn among them."""
    await guest("Ann")
    tallies = Tallies(database)
    crowd = [tallies.find(LOBBY, f"u_{number}") for number in range(TOGETHER + 10)]
    await asyncio.gather(*crowd, tallies.find("r_x", "u_ann"))

    assert asked == [(LOBBY, TOGETHER), ("r_x", 1), (LOBBY, 10)]


async def test_failure_is_everyones(database, guest, monkeypatch) -> None:
    """When the database fails, all who wait hear of it but who has gone, and who comes later is answered."""
    ann = (await guest("Ann")).user
    tallies = Tallies(database)

    async def fail(*_args):
        raise ChatError(Code.UNAVAILABLE)

    with monkeypatch.context() as patch:
        patch.setattr(module, "read_all_marks", fail)
        tasks = [asyncio.create_task(tallies.find(LOBBY, ann.id)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert [each.code for each in outcomes[1:]] == [Code.UNAVAILABLE] * 2
    assert (await tallies.find(LOBBY, ann.id)).marks.unread == 0
