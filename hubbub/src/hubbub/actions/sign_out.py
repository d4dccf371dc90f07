"""Ending a session."""

from __future__ import annotations

from hubbub.actions.authenticate import digest_token
from hubbub.bus.base import Bus
from hubbub.domain.events import SessionRevoked
from hubbub.storage import sessions
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def sign_out(database: Database, bus: Bus, token: str) -> None:
    """Revoke the session with this token, if there is one, and let go of its connections."""
    digest = digest_token(token)
    # Anybody may ask, by a token that they made up: that keeps no write and no connection waiting.
    if not await database.read(lambda connection: sessions.is_there(connection, digest)):
        return

    async def change(transaction: Transaction) -> None:
        await sessions.remove(transaction.connection, digest)

    await database.write(change)
    bus.publish(SessionRevoked(digest.hex()))
