"""Queries about rooms and who belongs to them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Room
from hubbub.storage.engine import select_pairs
from hubbub.storage.tables import memberships, rooms


async def add(connection: AsyncConnection, room: Room, now: int) -> None:
    """Store a new room."""
    await connection.execute(
        insert(rooms).values(id=room.id, name=room.name, topic=room.topic, created=now),
    )


async def find(connection: AsyncConnection, room_id: str) -> Room | None:
    """Return a room, if there is one with this id."""
    rows = await connection.execute(
        select(rooms.c.id, rooms.c.name, rooms.c.topic).where(rooms.c.id == room_id),
    )
    row = rows.one_or_none()
    return None if row is None else Room(row.id, row.name, row.topic)


async def find_for_member(connection: AsyncConnection, room_id: str, user_id: str) -> Room | None:
    """Return a room if the user belongs to it; one that is not there looks just the same."""
    rows = await connection.execute(
        select(rooms.c.id, rooms.c.name, rooms.c.topic)
        .join(memberships, memberships.c.room == rooms.c.id)
        .where(rooms.c.id == room_id, memberships.c.user == user_id),
    )
    row = rows.one_or_none()
    return None if row is None else Room(row.id, row.name, row.topic)


async def list_for_member(connection: AsyncConnection, user_id: str) -> list[Room]:
    """Return every room that the user belongs to, in the order of joining."""
    rows = await connection.execute(
        select(rooms.c.id, rooms.c.name, rooms.c.topic)
        .join(memberships, memberships.c.room == rooms.c.id)
        .where(memberships.c.user == user_id)
        .order_by(memberships.c.joined, rooms.c.id),
    )
    return [Room(row.id, row.name, row.topic) for row in rows]


async def add_member(connection: AsyncConnection, room_id: str, user_id: str, now: int) -> None:
    """Make a user belong to a room."""
    await connection.execute(insert(memberships).values(room=room_id, user=user_id, joined=now))


_PAIRS = select(memberships.c.room, memberships.c.user)


async def select_members(
    connection: AsyncConnection, pairs: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return those of the pairs (room, user) in which the user belongs to the room."""
    rows = await select_pairs(connection, _PAIRS, memberships.c.room, memberships.c.user, pairs)
    return {(row.room, row.user) for row in rows}
