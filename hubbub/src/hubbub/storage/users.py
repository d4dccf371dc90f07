"""Queries about users."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import User
from hubbub.storage.tables import users


async def add(connection: AsyncConnection, user: User, now: int) -> None:
    """Store a new user."""
    await connection.execute(
        insert(users).values(id=user.id, name=user.name, kind=user.kind, created=now),
    )


async def rename(connection: AsyncConnection, user_id: str, name: str) -> None:
    """Give a user another name."""
    await connection.execute(update(users).where(users.c.id == user_id).values(name=name))


async def names(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of users, by id."""
    rows = await connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(set(ids))))
    return {row.id: row.name for row in rows}
