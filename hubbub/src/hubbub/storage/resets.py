"""Queries about links by which people choose another password."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.storage.tables import resets


async def put(connection: AsyncConnection, user_id: str, digest: bytes, expires: int) -> None:
    """Store a user's link, in place of the one before."""
    await drop(connection, user_id)
    await connection.execute(insert(resets).values(user=user_id, digest=digest, expires=expires))


async def find(connection: AsyncConnection, digest: bytes, now: int) -> str | None:
    """Return whose link this is, if it is still one."""
    found: str | None = await connection.scalar(
        select(resets.c.user).where(resets.c.digest == digest, resets.c.expires > now)
    )
    return found


async def drop(connection: AsyncConnection, user_id: str) -> None:
    """Forget a user's link, if there is one."""
    await connection.execute(delete(resets).where(resets.c.user == user_id))


async def forget_past(connection: AsyncConnection, now: int) -> None:
    """Forget all whose time is over."""
    await connection.execute(delete(resets).where(resets.c.expires <= now))
