"""Reading what waits in a room, without reading the room."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from hubbub.domain.models import Head, Marks, User
from hubbub.storage import marks, rooms, streams
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


class Waiting(NamedTuple):
    """What waits in a room whose head is `head`."""

    head: Head
    marks: Marks


async def read_marks(database: Database, user: User, room_id: str) -> Waiting:
    """Return how far a user has read a room, and what waits there.

    Raises:
        ChatError: that of `rooms.refusal`, for a room that the user doesn't belong to.
    """

    async def look(connection: Connection) -> Waiting:
        found = await marks.find(connection, room_id, user.id)
        if found is None:
            raise await rooms.refusal(connection, room_id)
        [head] = await streams.read_heads(connection, [room_id])
        return Waiting(head, found)

    return await database.read(look)


async def read_all_marks(database: Database, room_id: str, users: Collection[str]) -> dict[str, Waiting]:
    """Return the same for many users at once, and nothing of those who don't belong to the room.

    Raises:
        ChatError: if the database fails.
    """

    async def look(connection: Connection) -> dict[str, Waiting]:
        found = await marks.find_all(connection, room_id, users)
        heads = await streams.read_heads(connection, [room_id])
        return {user: Waiting(head, waiting) for head in heads for user, waiting in found.items()}

    return await database.read(look)
