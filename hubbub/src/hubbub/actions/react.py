"""Reacting to a message by an emoji."""

from __future__ import annotations

from hubbub.actions.change_message import change_message
from hubbub.domain.emoji import check_emoji
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Reacted, StoredEvent
from hubbub.domain.models import Message, Posted, Standing, User
from hubbub.domain.policies import REACTIONS
from hubbub.storage import messages
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def react(
    database: Database, user: User, room_id: str, nonce: str, q: int, emoji: str, *, on: bool
) -> Posted:
    """React to a message, or no longer; what is so already is so afterwards.

    Raises:
        ChatError: `invalid` for what is no emoji, or when a message has too many kinds of them, and those
            of `change_message`.
    """
    check_emoji(emoji)

    def check(message: Message, _standing: Standing) -> None:
        if on and emoji not in message.reactions and len(message.reactions) >= REACTIONS:
            raise ChatError(Code.INVALID, f"A message has at most {REACTIONS} kinds of reactions.")

    async def fold(transaction: Transaction, event: StoredEvent, message: Message) -> None:
        await messages.react(transaction.connection, event, message.q, emoji, on=on)

    return await change_message(database, user, room_id, Reacted(nonce, q, emoji, on), check, fold)
