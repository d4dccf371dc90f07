"""Making someone a member of a room: what joining, being asked in and making a room have in common."""

from __future__ import annotations

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, MemberChanged, RoomAdded, StoredEvent
from hubbub.domain.models import Role, Room, User
from hubbub.domain.policies import ROOMS
from hubbub.storage import rooms
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def add_member(
    transaction: Transaction,
    room: Room,
    user: User,
    by: User,
    role: Role = Role.MEMBER,
    asked: Asked | None = None,
) -> StoredEvent:
    """Make a user a member, who has read what is there already; tell the room, and the user's connections.

    Raises:
        ChatError: `invalid`, for who belongs to too many rooms.
    """
    # Half are for where they want to go themselves, whoever asks them in.
    most = ROOMS if by.id == user.id else ROOMS // 2
    if await rooms.count_own(transaction.connection, user.id) >= most:
        raise ChatError(Code.INVALID, "Whoever this is for belongs to too many rooms already.")
    change = MemberChanged(MemberChange.JOIN, user, None if role is Role.MEMBER else role)
    event = await transaction.append(room.id, by.id, change, asked)
    await rooms.add_member(transaction.connection, room.id, user.id, transaction.now, role)
    await transaction.append(user.id, by.id, RoomAdded(room.seen_by(user.id)))
    return event
