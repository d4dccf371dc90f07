"""Queries about what users keep of their own."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.storage.tables import own


class KeptSize(NamedTuple):
    """How many things a user keeps, and how many bytes they take, keys and values."""

    keys: int
    size: int


async def put(connection: AsyncConnection, user_id: str, key: str, value: str) -> None:
    """Keep a value, in place of what the key had; it is JSON."""
    await drop(connection, user_id, key)
    size = len(key.encode()) + len(value.encode())
    await connection.execute(insert(own).values(user=user_id, key=key, value=value, size=size))


async def drop(connection: AsyncConnection, user_id: str, key: str) -> None:
    """Keep what a key has no longer, if it has anything."""
    await connection.execute(delete(own).where(own.c.user == user_id, own.c.key == key))


async def find(connection: AsyncConnection, user_id: str) -> dict[str, str]:
    """Return everything that a user keeps, by key."""
    rows = await connection.execute(
        select(own.c.key, own.c.value).where(own.c.user == user_id).order_by(own.c.key)
    )
    return {row.key: row.value for row in rows}


async def measure(connection: AsyncConnection, user_id: str) -> KeptSize:
    """Return how much a user keeps."""
    rows = await connection.execute(
        select(func.count(), func.coalesce(func.sum(own.c.size), 0)).where(own.c.user == user_id)
    )
    return KeptSize(*map(int, rows.one()))
