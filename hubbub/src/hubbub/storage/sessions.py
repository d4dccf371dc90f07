"""Queries about sessions: who is signed in, by what digest of a token."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import User
from hubbub.storage.tables import sessions, users


async def add(connection: AsyncConnection, digest: bytes, user_id: str, now: int, expires: int) -> None:
    """Store a new session."""
    await connection.execute(
        insert(sessions).values(digest=digest, user=user_id, created=now, expires=expires),
    )


async def find_user(connection: AsyncConnection, digest: bytes, now: int) -> User | None:
    """Return whose session this is; None if it is nobody's, or no longer."""
    rows = await connection.execute(
        select(users.c.id, users.c.name, users.c.kind)
        .join(sessions, sessions.c.user == users.c.id)
        .where(sessions.c.digest == digest, sessions.c.expires > now),
    )
    row = rows.one_or_none()
    return None if row is None else User(row.id, row.name, row.kind)


async def remove(connection: AsyncConnection, digest: bytes) -> None:
    """Forget a session, if it is there."""
    await connection.execute(delete(sessions).where(sessions.c.digest == digest))


async def remove_expired(connection: AsyncConnection, now: int) -> None:
    """Forget every session whose time is over."""
    await connection.execute(delete(sessions).where(sessions.c.expires <= now))
