"""Being a member of a room no longer."""

from __future__ import annotations

from hubbub.actions.do_once import do_in_room
from hubbub.actions.end_membership import end_membership
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, StoredEvent
from hubbub.domain.models import Kind, Posted, Standing, User
from hubbub.domain.permissions import check_can_go
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def leave_room(database: Database, user: User, room_id: str, nonce: str) -> Posted:
    """Let a user leave a room.

    Raises:
        ChatError: `invalid` for its only owner while others are there, `forbidden` for a talk of two, and
            those of `do_in_room`.
    """

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        if standing.kind in {Kind.DIRECT, Kind.NOTES}:
            raise ChatError(Code.FORBIDDEN, "A talk of two can't be left, only hidden.")
        count = await rooms.count_members(transaction.connection, room_id)
        check_can_go(standing.role, count)
        return await end_membership(transaction, MemberChange.LEAVE, room_id, user, user, asked)

    return await do_in_room(database, user, room_id, nonce, ["room.leave", room_id], change)
