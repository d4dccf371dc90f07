"""Finding out who someone is."""

from __future__ import annotations

import hashlib

from hubbub.domain.models import User
from hubbub.domain.policies import SEEN_INTERVAL
from hubbub.storage import sessions
from hubbub.storage.database import Database


def digest_token(token: str) -> bytes:
    """Return what is kept of a session's token.

    Tokens are long and random: a digest without salt or cost gives nothing away.
    """
    return hashlib.sha256(token.encode()).digest()


async def authenticate(database: Database, token: str) -> User | None:
    """Return whose session has this token; None if nobody's has, or no longer.

    That the session was used is stored now and then, and nobody is kept waiting for it.
    """
    digest, now = digest_token(token), database.now()
    async with database.read() as connection:
        found = await sessions.find(connection, digest, now)
    if found is None:
        return None
    if now - found.login.seen >= SEEN_INTERVAL * 1000:
        database.note_use(digest)
    return found.user
