"""Finding out who someone is."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import NamedTuple

from hubbub.domain.models import Head, Login, User
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
    found = await database.read(lambda connection: sessions.find(connection, digest, now))
    if found is None:
        return None
    _note_use(database, digest, found.login, now)
    return found.user


class Arrival(NamedTuple):
    """Someone who has come, and how far their streams are: the inbox, and every room that they belong to."""

    user: User
    heads: list[Head]


async def authenticate_all(database: Database, digests: Collection[bytes]) -> dict[bytes, Arrival]:
    """Return whose sessions have tokens with these digests, by one query; nobody's are left out.

    Raises:
        ChatError: if the database fails.
    """
    now = database.now()
    found = await database.read(lambda connection: sessions.find_with_heads(connection, digests, now))
    for digest, (session, _) in found.items():
        _note_use(database, digest, session.login, now)
    return {digest: Arrival(session.user, heads) for digest, (session, heads) in found.items()}


def _note_use(database: Database, digest: bytes, login: Login, now: int) -> None:
    if now - login.seen >= SEEN_INTERVAL * 1000:
        database.note_use(digest)
