"""Taking another name."""

from __future__ import annotations

from dataclasses import replace

from hubbub.bus.base import Bus
from hubbub.domain.events import MemberChange, MemberChanged, UserRenamed
from hubbub.domain.models import User
from hubbub.domain.names import clean_name
from hubbub.storage import rooms, users
from hubbub.storage.database import Database
from hubbub.storage.streams import NewEvent
from hubbub.storage.writer import Transaction


async def rename(database: Database, bus: Bus, user: User, name: str) -> User:
    """Give a user another name and tell every room that they belong to.

    Raises:
        ChatError: `invalid`, for what can't be a name.
    """
    renamed = replace(user, name=clean_name(name))
    if renamed == user:
        return user

    async def change(transaction: Transaction) -> None:
        await users.rename(transaction.connection, user.id, renamed.name)
        event = MemberChanged(MemberChange.RENAME, renamed)
        own = await rooms.list_ids(transaction.connection, user.id)
        await transaction.append_all([NewEvent(room_id, user.id, event) for room_id in own])

    await database.write(change)
    bus.publish(UserRenamed(renamed))
    return renamed
