"""Making a room."""

from __future__ import annotations

from dataclasses import replace

from hubbub.actions.add_member import add_member
from hubbub.actions.do_once import do_once
from hubbub.actions.read_room import read_room
from hubbub.domain.events import StoredEvent
from hubbub.domain.models import (
    History,
    Membership,
    Posting,
    Role,
    Room,
    User,
    Visibility,
    new_room_id,
)
from hubbub.domain.names import clean_room_name, clean_topic
from hubbub.storage import rooms, streams
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def create_room(
    database: Database,
    user: User,
    nonce: str,
    name: str,
    topic: str,
    visibility: Visibility,
    posting: Posting = Posting.ALL,
    history: History = History.ALL,
) -> Membership:
    """Make a room that the user owns; asked again, it is the same room.

    Raises:
        ChatError: `invalid`, for what can't be a name or a topic, and those of `add_member` and
            `do_once`.
    """
    made = Room(new_room_id(), clean_room_name(name), clean_topic(topic), visibility)
    room = replace(made, posting=posting, history=history)
    request = ["room.create", name, topic, visibility]
    # What was asked for before there was more to ask for is the same request still.
    if (posting, history) != (Posting.ALL, History.ALL):
        request += [posting, history]

    async def change(transaction: Transaction, asked: Asked) -> StoredEvent:
        await rooms.add(transaction.connection, room, transaction.now)
        await streams.open_stream(transaction.connection, room.id, transaction.now)
        return await add_member(transaction, room, user, user, Role.OWNER, asked)

    done = await do_once(database, user, nonce, request, change)
    return await read_room(database, user, done.room)
