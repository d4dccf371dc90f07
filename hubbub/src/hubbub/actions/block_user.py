"""Wanting nothing of somebody."""

from __future__ import annotations

from hubbub.actions.do_once import do_once
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Blocked, StoredEvent
from hubbub.domain.models import Posted, User
from hubbub.domain.policies import BLOCKS
from hubbub.storage import blocks, users
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def block_user(database: Database, user: User, nonce: str, other_id: str, *, on: bool) -> Posted:
    """Let a user want nothing of another, or no longer so; what is so already is so afterwards.

    The two can't write to each other, and the other can't ask the user into rooms.  Only the user is told.

    Raises:
        ChatError: `invalid` for oneself, and for too many; `not_found` for who isn't there; and those of
            `do_once`.
    """
    if other_id == user.id:
        raise ChatError(Code.INVALID, "Nobody blocks themselves.")

    async def change(transaction: Transaction, asked: Asked) -> StoredEvent:
        connection = transaction.connection
        other = await users.find(connection, other_id)
        if other is None:
            raise ChatError(Code.NOT_FOUND)
        if on:
            await blocks.put(connection, user.id, other_id, transaction.now)
            if await blocks.count(connection, user.id) > BLOCKS:
                raise ChatError(Code.INVALID, f"One blocks at most {BLOCKS} people.")
        else:
            await blocks.drop(connection, user.id, other_id)
        return await transaction.append(user.id, user.id, Blocked(other, on), asked)

    return (await do_once(database, user, nonce, ["user.block", other_id, on], change)).posted
