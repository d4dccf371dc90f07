"""Becoming a member of a room."""

from __future__ import annotations

from hubbub.actions.add_member import add_member
from hubbub.actions.do_once import do_once
from hubbub.actions.read_room import read_room
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, MemberChanged, StoredEvent
from hubbub.domain.models import Membership, User, Visibility
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def join_room(database: Database, user: User, nonce: str, room_id: str) -> Membership:
    """Make a user a member of a public room; who is one already stays what they are.

    Raises:
        ChatError: `not_found`, also for a private room; `banned`; and those of `add_member` and
            `do_once`.
    """

    async def change(transaction: Transaction, asked: Asked) -> StoredEvent:
        connection = transaction.connection
        room = await rooms.find(connection, room_id)
        is_member = await rooms.find_role(connection, room_id, user.id) is not None
        if room is None or not (is_member or room.visibility is Visibility.PUBLIC):
            raise ChatError(Code.NOT_FOUND)
        if is_member:
            return await transaction.append(room.id, user.id, MemberChanged(MemberChange.JOIN, user), asked)
        if await rooms.is_banned(connection, room_id, user.id):
            raise ChatError(Code.BANNED)
        return await add_member(transaction, room, user, user, asked=asked)

    await do_once(database, user, nonce, ["room.join", room_id], change)
    return await read_room(database, user, room_id)
