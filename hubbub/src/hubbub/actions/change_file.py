"""Changing a file that no message has yet: what it shows, in words, or that it is to be at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.domain.names import clean_alt
from hubbub.storage import files
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction


async def describe_file(database: Database, user: User, file_id: str, alt: str) -> None:
    """Say in words what one's file shows.

    Raises:
        ChatError: `not_found` for a file that isn't one's own, or that a message has; `invalid`.
    """
    alt = clean_alt(alt)
    await _change(database, user, file_id, lambda connection: files.describe(connection, file_id, alt))


async def discard_file(database: Database, user: User, file_id: str) -> None:
    """Let a file go that one hasn't sent after all.

    Raises:
        ChatError: `not_found`.
    """
    await _change(database, user, file_id, lambda connection: files.drop(connection, file_id))


async def _change(
    database: Database, user: User, file_id: str, do: Callable[[Connection], Awaitable[None]]
) -> None:
    async def change(transaction: Transaction) -> None:
        file = await files.find(transaction.connection, file_id)
        if file is None or file.owner != user.id or file.message is not None:
            raise ChatError(Code.NOT_FOUND)
        await do(transaction.connection)

    await database.write(change)
