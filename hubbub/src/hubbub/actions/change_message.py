"""Changing a message that is there: what every such verb has in common."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Protocol

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Event, StoredEvent
from hubbub.domain.models import Message, Posted, Role, User
from hubbub.domain.policies import check_nonce
from hubbub.storage import messages, rooms
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


Check = Callable[[Message, Role], None]
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
        ChatError: that of `check`; `not_found` for a message that isn't there, or was deleted; that of
            `rooms.refusal`, for a room that the user doesn't belong to; `nonce_reuse`; `invalid` for what is
            no nonce.
    """
    check_nonce(event.nonce)
    asked = Asked(event.nonce, request := json.dumps([room_id, event.kind, event.body()]))
    body_hash = hash_request(request)

    async def change(transaction: Transaction) -> Posted:
        if (known := await transaction.find(user.id, event.nonce, body_hash)) is not None:
            return Posted(known.q, known.ts, True)
        role = await rooms.require_role(transaction.connection, room_id, user.id)
        message = await messages.find(transaction.connection, room_id, event.message)
        if message is None or message.deleted is not None:
            raise ChatError(Code.NOT_FOUND)
        check(message, role)
        told = event if complete is None else complete(message)
        stored = await transaction.append(room_id, user.id, told, asked)
        await fold(transaction, stored, message)
        return Posted(stored.q, stored.ts, False)

    return await database.write(change)
