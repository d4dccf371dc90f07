"""Queries about who wants nothing of whom."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import User
from hubbub.storage.engine import select_pairs
from hubbub.storage.tables import blocks, memberships, users


async def put(connection: AsyncConnection, user_id: str, other_id: str, now: int) -> None:
    """Store that a user wants nothing of another; does nothing if it is stored already."""
    if not await has_any(connection, [user_id], [other_id]):
        await connection.execute(insert(blocks).values(user=user_id, other=other_id, ts=now))


async def drop(connection: AsyncConnection, user_id: str, other_id: str) -> None:
    """Forget it."""
    await connection.execute(delete(blocks).where(blocks.c.user == user_id, blocks.c.other == other_id))


async def count(connection: AsyncConnection, user_id: str) -> int:
    """Return of how many a user wants nothing."""
    found = await connection.scalar(select(func.count()).where(blocks.c.user == user_id))
    return int(found or 0)


async def find(connection: AsyncConnection, user_id: str) -> list[User]:
    """Return of whom a user wants nothing, in the order in which they said so."""
    rows = await connection.execute(
        select(users.c.id, users.c.name, users.c.kind)
        .join(blocks, blocks.c.other == users.c.id)
        .where(blocks.c.user == user_id)
        .order_by(blocks.c.ts, users.c.id)
    )
    return [User(*row) for row in rows]


async def has_any(connection: AsyncConnection, user_ids: Collection[str], others: Collection[str]) -> bool:
    """Say whether one of these users wants nothing of one of those."""
    found = await connection.scalar(
        select(blocks.c.ts)
        .where(blocks.c.user.in_(list(user_ids)), blocks.c.other.in_(list(others)))
        .limit(1)
    )
    return found is not None


_peer = memberships.alias("peer")
_REFUSED = (
    select(memberships.c.room, memberships.c.user)
    .join(_peer, and_(_peer.c.room == memberships.c.room, _peer.c.user != memberships.c.user))
    .join(
        blocks,
        or_(
            and_(blocks.c.user == memberships.c.user, blocks.c.other == _peer.c.user),
            and_(blocks.c.user == _peer.c.user, blocks.c.other == memberships.c.user),
        ),
    )
)


async def select_refused(
    connection: AsyncConnection, pairs: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return those of the pairs (room, user) where the user and somebody else don't want to talk.

    Which of the two doesn't, nobody is told.
    """
    rows = await select_pairs(connection, _REFUSED, memberships.c.room, memberships.c.user, pairs)
    return {(row.room, row.user) for row in rows}
