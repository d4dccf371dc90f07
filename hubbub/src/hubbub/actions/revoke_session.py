"""Ending one of one's sessions from another."""

from __future__ import annotations

from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import SessionRevoked
from hubbub.domain.models import User
from hubbub.storage import sessions
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def revoke_session(database: Database, bus: Bus, user: User, session_id: str) -> None:
    """End a session of the user's, and let go of its connections.

    Raises:
        ChatError: `not_found`, also for another's.
    """

    async def change(transaction: Transaction) -> bytes:
        digest = await sessions.remove_own(transaction.connection, user.id, session_id)
        if digest is None:
            raise ChatError(Code.NOT_FOUND)
        return digest

    bus.publish(SessionRevoked((await database.write(change)).hex()))
