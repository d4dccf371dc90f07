"""Forgetting sessions whose time is over."""

from __future__ import annotations

from hubbub.bus.base import Bus
from hubbub.domain.events import SessionExpired
from hubbub.storage import sessions
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def forget_sessions(database: Database, bus: Bus) -> None:
    """Forget every session that has expired, and let go of its connections.

    Raises:
        ChatError: that of a database in trouble.
    """
    # It is asked often, and is hardly ever so.
    if not await database.read(lambda connection: sessions.has_expired(connection, database.now())):
        return

    async def change(transaction: Transaction) -> list[bytes]:
        return await sessions.remove_expired(transaction.connection, transaction.now)

    for digest in await database.write(change):
        bus.publish(SessionExpired(digest.hex()))
