"""Pinning a message to its room."""

from __future__ import annotations

from hubbub.actions.change_message import change_message
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Pinned, StoredEvent
from hubbub.domain.models import Message, Posted, Sight, Standing, User
from hubbub.domain.permissions import check_pins
from hubbub.domain.policies import PINS
from hubbub.storage import messages
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def pin_message(
    database: Database, user: User, room_id: str, nonce: str, q: int, *, on: bool
) -> Posted:
    """Pin a message, or take it down; what is so already is so afterwards.

    Raises:
        ChatError: `forbidden` for who doesn't keep order in the room, `invalid` if too many are pinned, and
            those of `change_message`.
    """

    def check(_message: Message, standing: Standing) -> None:
        check_pins(standing)

    async def fold(transaction: Transaction, event: StoredEvent, message: Message) -> None:
        await messages.pin(transaction.connection, event, message.q, on=on)
        if on and len(await messages.list_pins(transaction.connection, Sight(room_id))) > PINS:
            raise ChatError(Code.INVALID, f"A room has at most {PINS} pinned messages.")

    return await change_message(database, user, room_id, Pinned(nonce, q, on), check, fold)
