"""Changing a message that is there: what every such verb has in common."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Protocol

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Event, MessageDeleted, StoredEvent
from hubbub.domain.models import Kind, Message, Posted, Standing, User
from hubbub.domain.permissions import check_open
from hubbub.domain.policies import check_nonce
from hubbub.storage import blocks, messages, rooms
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked, hash_request
from hubbub.storage.writer import Transaction


class MessageEvent(Event, Protocol):
    """An event that changes a message."""

    @property
    def nonce(self) -> str:
        """What the request is known by."""

    @property
    def message(self) -> int:
        """The number of the message."""


Check = Callable[[Message, Standing], None]
"""Refuses, by a `ChatError`, who may not change a message, being what they are in its room."""

Fold = Callable[[Transaction, StoredEvent, Message], Awaitable[None]]
"""Stores what an event makes of a message."""


Complete = Callable[[Message], MessageEvent]
"""Says of a message's event what nobody asked for, but everybody is told."""


async def change_message(
    database: Database,
    user: User,
    room_id: str,
    event: MessageEvent,
    check: Check,
    fold: Fold,
    complete: Complete | None = None,
) -> Posted:
    """Store an event that changes a message, once for its nonce, and what it makes of the message.

    Raises:
        ChatError: that of `check`; `archived`; `forbidden` where one of two wants nothing of the other;
            `not_found` for a message that isn't there, isn't for the user to see, or was deleted; that of
            `rooms.refusal`, for a room that the user doesn't belong to; `nonce_reuse`; `invalid` for what is
            no nonce.
    """
    check_nonce(event.nonce)
    asked = Asked(event.nonce, request := json.dumps([room_id, event.kind, event.body()]))
    body_hash = hash_request(request)

    async def change(transaction: Transaction) -> Posted:
        if (known := await transaction.find(user.id, event.nonce, body_hash)) is not None:
            return Posted(known.q, known.ts, True)
        standing = await rooms.require_standing(transaction.connection, room_id, user.id)
        message = await messages.find(transaction.connection, standing.sight, event.message)
        if message is None or message.deleted is not None:
            raise ChatError(Code.NOT_FOUND)
        check_open(standing)
        check(message, standing)
        if not isinstance(event, MessageDeleted):
            await _check_blocks(transaction, standing, user)
        told = event if complete is None else complete(message)
        stored = await transaction.append(room_id, user.id, told, asked)
        await fold(transaction, stored, message)
        return Posted(stored.q, stored.ts, False)

    return await database.write(change)


async def _check_blocks(transaction: Transaction, standing: Standing, user: User) -> None:
    place = (standing.sight.room, user.id)
    if standing.kind is Kind.DIRECT and await blocks.select_refused(transaction.connection, [place]):
        raise ChatError(Code.FORBIDDEN)
