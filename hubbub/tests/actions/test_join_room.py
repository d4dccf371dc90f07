"""Becoming a member of a room."""

from __future__ import annotations

import pytest

from hubbub.actions.join_room import join_room
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Room
from hubbub.storage import rooms, streams


@pytest.fixture
async def garden(database) -> Room:
    """Make a room that nobody is in."""
    room = Room("r_garden", "garden", "")

    async def change(transaction) -> None:
        await rooms.add(transaction.connection, room, transaction.now)
        await streams.open_stream(transaction.connection, room.id, transaction.now)

    await database.write(change)
    return room


async def test_joining_is_told_to_both(database, guest, garden, heard) -> None:
    """The room hears who joined, and the user's own connections hear of the room."""
    ann = await guest("Ann")
    heard.clear()

    await database.write(lambda transaction: join_room(transaction, ann.user, garden.id))

    assert [(event.stream, event.kind) for event in heard] == [
        (garden.id, "member"),
        (ann.user.id, "room.add"),
    ]
    async with database.read() as connection:
        assert await rooms.find_for_member(connection, garden.id, ann.user.id) == garden


async def test_joining_twice_is_joining_once(database, guest, garden, heard) -> None:
    """A member who joins again stays a member, and nobody is told."""
    ann = await guest("Ann")
    await database.write(lambda transaction: join_room(transaction, ann.user, garden.id))
    heard.clear()

    assert await database.write(lambda transaction: join_room(transaction, ann.user, garden.id)) == garden
    assert heard == []


async def test_missing_room_is_not_found(database, guest) -> None:
    """Nobody can join what isn't there."""
    ann = await guest("Ann")

    with pytest.raises(ChatError) as caught:
        await database.write(lambda transaction: join_room(transaction, ann.user, "r_nowhere"))

    assert caught.value.code is Code.NOT_FOUND
