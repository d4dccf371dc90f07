"""Forgetting sessions whose time is over."""

from __future__ import annotations

from hubbub.storage import sessions
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def forget_sessions(database: Database) -> None:
    """Forget every session that has expired."""

    async def change(transaction: Transaction) -> None:
        await sessions.remove_expired(transaction.connection, transaction.now)

    await database.write(change)
