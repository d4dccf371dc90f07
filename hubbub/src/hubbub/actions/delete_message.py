"""Taking a message back."""

from __future__ import annotations

from hubbub.actions.audit import note
from hubbub.actions.change_message import change_message
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MessageDeleted, StoredEvent
from hubbub.domain.models import Deed, Message, Posted, Role, Standing, User
from hubbub.storage import marks, messages
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def delete_message(database: Database, user: User, room_id: str, nonce: str, q: int) -> Posted:
    """Forget what a message says, and ever said: its author may, and who keeps order in the room.

    Raises:
        ChatError: `forbidden`, and those of `change_message`.
    """

    def check(message: Message, standing: Standing) -> None:
        if message.author != user.id and standing.role.rank < Role.MODERATOR.rank:
            raise ChatError(Code.FORBIDDEN, "Only its author or a moderator can delete a message.")

    async def fold(transaction: Transaction, event: StoredEvent, message: Message) -> None:
        await messages.remove(transaction.connection, event, message)
        await marks.forget_mentions(transaction.connection, room_id, message.q)
        if message.author != user.id:
            await note(transaction, user, Deed("msg.del", "user", message.author, room_id, {"q": message.q}))

    def complete(message: Message) -> MessageDeleted:
        return MessageDeleted(nonce, q, message.thread)

    return await change_message(database, user, room_id, MessageDeleted(nonce, q), check, fold, complete)
