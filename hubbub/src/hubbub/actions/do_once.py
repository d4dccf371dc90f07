"""Doing what is asked for under a nonce once, however often it is asked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Posted, Standing, User
from hubbub.domain.policies import check_nonce
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked, hash_request
from hubbub.storage.writer import Transaction

Change = Callable[[Transaction, Asked], Awaitable[StoredEvent]]
"""Does it, and stores one event that bears what was asked."""


RoomChange = Callable[[Transaction, Standing, Asked], Awaitable[StoredEvent]]
"""The same, for a member of a room, being what they are there."""


class Done(NamedTuple):
    """In which room something was done, and by which of its events."""

    room: str
    posted: Posted


async def do_once(database: Database, user: User, nonce: str, request: object, change: Change) -> Done:
    """Do what is asked for, unless it was done before; `request` is all of it, as it becomes JSON.

    Raises:
        ChatError: those of `change`; `nonce_reuse`, if the nonce was used for anything else; `invalid` for
            what is no nonce.
    """
    check_nonce(nonce)
    text = json.dumps(request)
    asked, body_hash = Asked(nonce, text), hash_request(text)

    async def attempt(transaction: Transaction) -> Done:
        known = await transaction.find(user.id, nonce, body_hash)
        if known is not None:
            return Done(known.stream, Posted(known.q, known.ts, True))
        event = await change(transaction, asked)
        return Done(event.stream, Posted(event.q, event.ts, False))

    return await database.write(attempt)


async def do_in_room(
    database: Database, user: User, room_id: str, nonce: str, request: object, change: RoomChange
) -> Posted:
    """Do what a member of a room asks for there, once.

    Raises:
        ChatError: those of `do_once`; that of `rooms.refusal`, for a room that the user doesn't belong to.
    """

    async def check_and_change(transaction: Transaction, asked: Asked) -> StoredEvent:
        standing = await rooms.require_standing(transaction.connection, room_id, user.id)
        return await change(transaction, standing, asked)

    return (await do_once(database, user, nonce, request, check_and_change)).posted
