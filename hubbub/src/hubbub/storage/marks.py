"""Queries about marks: how far each member has read each room, and what waits there.

Every message that counts has its rank among them (`messages.ord`), so that nothing has to be counted but what
was deleted since.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Marks
from hubbub.storage.tables import memberships, mentions, messages, streams


def unread() -> ColumnElement[int]:
    """Return how many messages are unread, in a query of memberships joined with their streams."""
    deleted = (
        select(func.count())
        .select_from(messages)
        .where(
            messages.c.stream == memberships.c.room,
            messages.c.q > memberships.c.read,
            messages.c.thread.is_(None),
            messages.c.deleted.is_not(None),
        )
        .correlate(memberships)
        .scalar_subquery()
    )
    return streams.c.counted - memberships.c.read_ord - deleted


def _select(room: str) -> Select[*tuple[Any, ...]]:
    return (
        select(memberships.c.user, memberships.c.read, unread().label("unread"), memberships.c.mentions)
        .join(streams, streams.c.id == memberships.c.room)
        .where(memberships.c.room == room)
    )


async def find(connection: AsyncConnection, room: str, user_id: str) -> Marks | None:
    """Return a member's marks in a room; None for who isn't a member."""
    return (await find_all(connection, room, [user_id])).get(user_id)


async def find_all(connection: AsyncConnection, room: str, users: Collection[str]) -> dict[str, Marks]:
    """Return the marks in a room of those of the users who are its members."""
    rows = await connection.execute(_select(room).where(memberships.c.user.in_(list(users))))
    return {row.user: Marks(row.read, row.unread, row.mentions) for row in rows}


async def set_read(connection: AsyncConnection, room: str, user_id: str, q: int) -> None:
    """Let a member have read a room up to an event, and no further."""
    ord_ = await connection.scalar(
        select(messages.c.ord)
        .where(messages.c.stream == room, messages.c.q <= q)
        .order_by(messages.c.q.desc())
        .limit(1)
    )
    waiting = await connection.scalar(_count_mentions(room, user_id, q))
    await connection.execute(
        update(memberships)
        .where(memberships.c.room == room, memberships.c.user == user_id)
        .values(read=q, read_ord=ord_ or 0, mentions=waiting)
    )


async def forget_mentions(connection: AsyncConnection, room: str, q: int) -> None:
    """Take back that a message speaks of anybody."""
    called = (mentions.c.stream == room) & (mentions.c.q == q)
    waiting = select(mentions.c.user).where(called)
    await connection.execute(
        update(memberships)
        .where(
            memberships.c.room == room,
            memberships.c.read < q,
            memberships.c.user.in_(waiting),
        )
        .values(mentions=memberships.c.mentions - 1)
    )
    await connection.execute(mentions.delete().where(called))


def _count_mentions(room: str, user_id: str, q: int) -> Select[*tuple[Any, ...]]:
    return (
        select(func.count())
        .select_from(mentions)
        .where(mentions.c.stream == room, mentions.c.user == user_id, mentions.c.q > q)
    )


async def recount(connection: AsyncConnection, room: str) -> Sequence[str]:
    """Count anew what waits in a room; return the members of whom the marks say something else."""
    waiting = (
        select(func.count())
        .select_from(messages)
        .where(
            messages.c.stream == memberships.c.room,
            messages.c.q > memberships.c.read,
            messages.c.thread.is_(None),
            messages.c.deleted.is_(None),
        )
        .correlate(memberships)
        .scalar_subquery()
    )
    called = (
        select(func.count())
        .select_from(mentions)
        .where(
            mentions.c.stream == memberships.c.room,
            mentions.c.user == memberships.c.user,
            mentions.c.q > memberships.c.read,
        )
        .correlate(memberships)
        .scalar_subquery()
    )
    rows = await connection.scalars(
        select(memberships.c.user)
        .join(streams, streams.c.id == memberships.c.room)
        .where(memberships.c.room == room, (unread() != waiting) | (memberships.c.mentions != called))
        .order_by(memberships.c.user)
    )
    return list(rows)
