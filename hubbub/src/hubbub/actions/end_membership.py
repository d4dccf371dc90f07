"""Ending someone's membership of a room: what leaving and being removed have in common."""

from __future__ import annotations

from hubbub.domain.events import MemberChange, MemberChanged, RoomRemoved, StoredEvent
from hubbub.domain.models import User
from hubbub.storage import rooms
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def end_membership(
    transaction: Transaction, how: MemberChange, room_id: str, user: User, by: User, asked: Asked
) -> StoredEvent:
    """Make a user a member no longer; tell the room, and the user's own connections."""
    await rooms.remove_member(transaction.connection, room_id, user.id)
    event = await transaction.append(room_id, by.id, MemberChanged(how, user), asked)
    await transaction.append(user.id, by.id, RoomRemoved(room_id, how))
    return event
