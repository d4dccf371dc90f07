"""Closing a room for good, and opening it again."""

from __future__ import annotations

from dataclasses import replace

from hubbub.actions.do_once import do_in_room
from hubbub.domain.events import RoomChanged, StoredEvent
from hubbub.domain.models import Posted, Standing, User
from hubbub.domain.permissions import check_is_room, check_owns
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def archive_room(database: Database, user: User, room_id: str, nonce: str, *, on: bool) -> Posted:
    """Archive a room, in which nothing is written or changed then, or bring it back; it may be so already.

    Raises:
        ChatError: `forbidden` for who doesn't own it, and for a talk that is no room; those of `do_in_room`.
    """

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        check_owns(standing.role)
        check_is_room(standing)
        room = await rooms.find(transaction.connection, room_id)
        assert room is not None
        changed = replace(room, archived=(room.archived or transaction.now) if on else None)
        await rooms.change(transaction.connection, changed)
        return await transaction.append(room_id, user.id, RoomChanged(changed), asked)

    return await do_in_room(database, user, room_id, nonce, ["room.archive", room_id, on], change)
