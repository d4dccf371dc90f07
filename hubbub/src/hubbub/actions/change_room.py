"""Changing what a room is called, is about, and whom it lets do what."""

from __future__ import annotations

from dataclasses import replace

from hubbub.actions.do_once import do_in_room
from hubbub.domain.events import RoomChanged, StoredEvent
from hubbub.domain.models import History, Posted, Posting, Standing, User, Visibility
from hubbub.domain.names import clean_room_name, clean_topic
from hubbub.domain.permissions import check_is_room, check_moderates, check_open, check_owns
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
    posting: Posting | None = None,
    history: History | None = None,
) -> Posted:
    """Give a room another name, topic or rule; what is None stays.

    Raises:
        ChatError: `forbidden` for who doesn't keep order there, for who doesn't own it if it is about who
            sees how much, and for a talk that is no room; `archived`; `invalid` for what can't be a name or
            topic; and those of `do_in_room`.
    """
    new_name = None if name is None else clean_room_name(name)
    new_topic = None if topic is None else clean_topic(topic)

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        check_moderates(standing.role)
        if history is not None:
            check_owns(standing.role)
        check_is_room(standing)
        check_open(standing)
        room = await rooms.find(transaction.connection, room_id)
        assert room is not None
        changed = replace(
            room,
            name=room.name if new_name is None else new_name,
            topic=room.topic if new_topic is None else new_topic,
            visibility=visibility or room.visibility,
            posting=posting or room.posting,
            history=history or room.history,
        )
        await rooms.change(transaction.connection, changed)
        return await transaction.append(room_id, user.id, RoomChanged(changed), asked)

    request = ["room.update", room_id, name, topic, visibility]
    # What was asked for before there was more to ask for is the same request still.
    if posting or history:
        request += [posting, history]
    return await do_in_room(database, user, room_id, nonce, request, change)
