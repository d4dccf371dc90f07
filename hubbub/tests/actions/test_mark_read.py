"""Keeping how far people have read."""

from __future__ import annotations

import asyncio
import json

from hubbub.actions.mark_read import mark_read
from hubbub.domain.models import Marks


async def test_mark_is_told_to_own_devices(database, people, room, say, heard) -> None:
    """The user's own connections hear how far they have read, and what waits; the room doesn't."""
    member = people["member"]
    first = await say("owner", f"<@{member.id}>")
    last = await say("owner", f"<@{member.id}>")
    heard.clear()

    marks = await mark_read(database, member, room, first)

    assert marks == Marks(first, 1, 1)
    [event] = heard
    assert (event.stream, event.kind, event.author) == (member.id, "read", member.id)
    assert json.loads(event.body) == {"s": room, "q": first, "unread": 1, "mentions": 1, "asof": last}


async def test_mark_only_rises(database, people, room, say, heard) -> None:
    """Marks that come late change nothing, in whatever order the devices send them."""
    last = [await say("owner") for _ in range(3)][-1]
    heard.clear()

    await asyncio.gather(*(mark_read(database, people["member"], room, last - n) for n in (1, 2, 0, 1, 0)))

    assert [json.loads(event.body)["q"] for event in heard] == [last - 1, last]
    assert await mark_read(database, people["member"], room, 0) == Marks(last, 0, 0)


async def test_mark_goes_back_if_asked(database, people, room, say, heard) -> None:
    """Who wants something unread again gets it."""
    last = [await say("owner") for _ in range(3)][-1]
    await mark_read(database, people["member"], room, last)
    heard.clear()

    marks = await mark_read(database, people["member"], room, last - 2, back=True)
    same = await mark_read(database, people["member"], room, last - 2, back=True)

    assert marks == same == Marks(last - 2, 2, 0)
    assert len(heard) == 1


async def test_end_is_the_end(database, people, room, say) -> None:
    """Nobody has read what isn't there yet."""
    last = await say("owner")
    assert await mark_read(database, people["member"], room, 2**53) == Marks(last, 0, 0)
    await say("owner")

    assert (await mark_read(database, people["member"], room, 0)).unread == 1


async def test_strange_room_is_not_read(database, people, room, code_of) -> None:
    """Only members read a room."""
    assert await code_of(mark_read(database, people["stranger"], room, 1)) == "not_member"
    assert await code_of(mark_read(database, people["stranger"], "r_nowhere", 1)) == "not_found"
