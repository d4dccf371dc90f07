"""Finding out why someone isn't let in whose token was good."""

from __future__ import annotations

from hubbub.actions.authenticate import digest_token
from hubbub.storage import sessions
from hubbub.storage.database import Database


async def is_disabled(database: Database, token: str) -> bool:
    """Say whether a token is of a session that would let its user in, if they weren't disabled.

    Raises:
        ChatError: if the database fails.
    """
    return await database.read(
        lambda connection: sessions.is_disabled(connection, digest_token(token), database.now())
    )
