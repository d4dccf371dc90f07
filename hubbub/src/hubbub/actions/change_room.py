"""Changing what a room is called, is about, and who may come in."""

from __future__ import annotations

from dataclasses import replace

from hubbub.actions.do_once import do_in_room
from hubbub.domain.events import RoomChanged, StoredEvent
from hubbub.domain.models import Posted, Role, User, Visibility
from hubbub.domain.names import clean_room_name, clean_topic
from hubbub.domain.permissions import check_moderates
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def change_room(
    database: Database,
    user: User,
    room_id: str,
    nonce: str,
    *,
    name: str | None = None,
    topic: str | None = None,
    visibility: Visibility | None = None,
) -> Posted:
    """Give a room another name, topic or visibility; what is None stays.

    Raises:
        ChatError: `forbidden` for who doesn't keep order there, `invalid` for what can't be a name or a
            topic, and those of `do_in_room`.
    """
    new_name = None if name is None else clean_room_name(name)
    new_topic = None if topic is None else clean_topic(topic)

    async def change(transaction: Transaction, role: Role, asked: Asked) -> StoredEvent:
        check_moderates(role)
        room = await rooms.find(transaction.connection, room_id)
        assert room is not None
        changed = replace(
            room,
            name=room.name if new_name is None else new_name,
            topic=room.topic if new_topic is None else new_topic,
            visibility=visibility or room.visibility,
        )
        await rooms.change(transaction.connection, changed)
        return await transaction.append(room_id, user.id, RoomChanged(changed), asked)

    request = ["room.update", room_id, name, topic, visibility]
    return await do_in_room(database, user, room_id, nonce, request, change)
