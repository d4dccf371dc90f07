"""Giving one's message another text."""

from __future__ import annotations

from hubbub.actions.change_message import change_message
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MessageEdited, StoredEvent
from hubbub.domain.models import Message, Posted, Standing, User
from hubbub.domain.policies import check_text
from hubbub.storage import messages
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def edit_message(
    database: Database, user: User, room_id: str, nonce: str, q: int, text: str, base: int | None = None
) -> Posted:
    """Give a message another text; `base` is the event whose text was edited, None for whichever it is now.

    Raises:
        ChatError: `forbidden` for another's message, `edit_conflict` if its text isn't that of `base`,
            `invalid` or `too_long` for what can't be a text, and those of `change_message`.
    """
    check_text(text, may_be_blank=True)

    def check(message: Message, _standing: Standing) -> None:
        if message.author != user.id:
            raise ChatError(Code.FORBIDDEN, "Only its author can edit a message.")
        check_text(text, may_be_blank=bool(message.files))
        if base is not None and base != message.said:
            raise ChatError(Code.EDIT_CONFLICT)

    async def fold(transaction: Transaction, event: StoredEvent, message: Message) -> None:
        await messages.edit(transaction.connection, event, message.q, text)

    return await change_message(database, user, room_id, MessageEdited(nonce, q, text), check, fold)
