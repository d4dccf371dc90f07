"""Seeing where one is signed in."""

from __future__ import annotations

from typing import NamedTuple

from hubbub.domain.models import Login, User
from hubbub.storage import sessions
from hubbub.storage.database import Database


class Listed(NamedTuple):
    """One of someone's sessions; `is_own` if it is the one that asks."""

    login: Login
    is_own: bool


async def list_sessions(database: Database, user: User, own: bytes) -> list[Listed]:
    """Return a user's sessions, the last used first; `own` is the digest of the token that asks."""
    found = await database.read(lambda connection: sessions.list_own(connection, user.id, database.now()))
    return [Listed(login, digest == own) for digest, login in found]
