"""Showing someone one of their rooms."""

from __future__ import annotations

from hubbub.domain.models import Membership, User
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


async def read_room(database: Database, user: User, room_id: str) -> Membership:
    """Return a room as one of its members has it.

    Raises:
        ChatError: that of `rooms.refusal`, for a room that the user doesn't belong to.
    """

    async def look(connection: Connection) -> Membership:
        membership = await rooms.find_for_member(connection, room_id, user.id)
        if membership is None:
            raise await rooms.refusal(connection, room_id)
        return membership

    return await database.read(look)
