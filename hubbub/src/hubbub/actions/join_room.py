"""Becoming a member of a room."""

from __future__ import annotations

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberJoined, RoomAdded
from hubbub.domain.models import Room, User
from hubbub.storage import rooms
from hubbub.storage.writer import Transaction


async def join_room(transaction: Transaction, user: User, room_id: str) -> Room:
    """Make a user a member, and tell the room and the user's own connections.

    Raises:
        ChatError: `not_found`.
    """
    room = await rooms.find(transaction.connection, room_id)
    if room is None:
        raise ChatError(Code.NOT_FOUND)
    if not await rooms.select_members(transaction.connection, [(room_id, user.id)]):
        await rooms.add_member(transaction.connection, room_id, user.id, transaction.now)
        await transaction.append(room_id, user.id, MemberJoined(user))
        await transaction.append(user.id, user.id, RoomAdded(room))
    return room
