"""Queries about rooms, who belongs to them as what, and who may not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Marks, Membership, Role, Room, User, Visibility
from hubbub.storage.engine import select_pairs
from hubbub.storage.marks import unread
from hubbub.storage.tables import bans, memberships, rooms, streams, users

PAGE: Final = 1_000

_ROOM = (rooms.c.id, rooms.c.name, rooms.c.topic, rooms.c.visibility)


def _room(row: Row[*tuple[Any, ...]]) -> Room:
    return Room(row.id, row.name, row.topic, Visibility(row.visibility))


async def add(connection: AsyncConnection, room: Room, now: int) -> None:
    """Store a new room."""
    await connection.execute(
        insert(rooms).values(
            id=room.id, name=room.name, topic=room.topic, visibility=room.visibility, created=now
        ),
    )


async def change(connection: AsyncConnection, room: Room) -> None:
    """Store what a room is now."""
    await connection.execute(
        update(rooms)
        .where(rooms.c.id == room.id)
        .values(name=room.name, topic=room.topic, visibility=room.visibility)
    )


async def find(connection: AsyncConnection, room_id: str) -> Room | None:
    """Return a room, if there is one with this id."""
    rows = await connection.execute(select(*_ROOM).where(rooms.c.id == room_id))
    row = rows.one_or_none()
    return None if row is None else _room(row)


async def list_all(connection: AsyncConnection, after: str) -> list[str]:
    """Return the ids of rooms, in their order, beginning after one; so many that there may be more."""
    rows = await connection.scalars(
        select(rooms.c.id).where(rooms.c.id > after).order_by(rooms.c.id).limit(PAGE)
    )
    return list(rows)


@dataclass(frozen=True, slots=True)
class Listed:
    """A room as the directory shows it: how many belong to it, and whether who asks does."""

    room: Room
    members: int
    is_own: bool


async def list_public(connection: AsyncConnection, user_id: str, after: str, limit: int) -> list[Listed]:
    """Return rooms that anybody may find, by name, beginning after the room with an id; "" for all.

    After one that who asks may not know of there are none, as after one that isn't there.
    """
    count = select(func.count()).where(memberships.c.room == rooms.c.id).scalar_subquery()
    own = select(memberships.c.room).where(memberships.c.user == user_id)
    query = select(*_ROOM, count.label("members"), rooms.c.id.in_(own).label("is_own"))
    if after:
        last = rooms.alias("last")
        may_be_known = (last.c.visibility == Visibility.PUBLIC) | last.c.id.in_(own)
        query = query.join(last, last.c.id == after).where(
            may_be_known,
            (rooms.c.name > last.c.name) | ((rooms.c.name == last.c.name) & (rooms.c.id > last.c.id)),
        )
    rows = await connection.execute(
        query.where(rooms.c.visibility == Visibility.PUBLIC).order_by(rooms.c.name, rooms.c.id).limit(limit)
    )
    return [Listed(_room(row), row.members, bool(row.is_own)) for row in rows]


# Who belongs to them


def _select_memberships(user_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *_ROOM,
            memberships.c.role,
            memberships.c.read,
            unread().label("unread"),
            memberships.c.mentions,
            streams.c.head,
        )
        .join(memberships, memberships.c.room == rooms.c.id)
        .join(streams, streams.c.id == rooms.c.id)
        .where(memberships.c.user == user_id)
    )


def _membership(row: Row[*tuple[Any, ...]]) -> Membership:
    return Membership(_room(row), Role(row.role), Marks(row.read, row.unread, row.mentions), row.head)


async def find_for_member(connection: AsyncConnection, room_id: str, user_id: str) -> Membership | None:
    """Return a room as a member has it; for who isn't one, it looks as if it weren't there."""
    rows = await connection.execute(_select_memberships(user_id).where(rooms.c.id == room_id))
    row = rows.one_or_none()
    return None if row is None else _membership(row)


async def list_for_member(connection: AsyncConnection, user_id: str) -> list[Membership]:
    """Return every room that the user belongs to, in the order of joining."""
    rows = await connection.execute(
        _select_memberships(user_id).order_by(memberships.c.joined, memberships.c.room)
    )
    return [_membership(row) for row in rows]


async def list_ids(connection: AsyncConnection, user_id: str) -> list[str]:
    """Return the ids of every room that the user belongs to."""
    rows = await connection.scalars(
        select(memberships.c.room).where(memberships.c.user == user_id).order_by(memberships.c.room)
    )
    return list(rows)


async def count_own(connection: AsyncConnection, user_id: str) -> int:
    """Return how many rooms a user belongs to."""
    count = await connection.scalar(
        select(func.count()).select_from(memberships).where(memberships.c.user == user_id)
    )
    return int(count or 0)


async def add_member(
    connection: AsyncConnection, room_id: str, user_id: str, now: int, role: Role = Role.MEMBER
) -> None:
    """Make a user belong to a room, who has read what is there already."""
    of_room = streams.c.id == room_id
    await connection.execute(
        insert(memberships).values(
            room=room_id,
            user=user_id,
            joined=now,
            role=role,
            read=select(streams.c.head).where(of_room).scalar_subquery(),
            read_ord=select(streams.c.counted).where(of_room).scalar_subquery(),
            mentions=0,
        )
    )


async def remove_member(connection: AsyncConnection, room_id: str, user_id: str) -> None:
    """Make a user belong to a room no longer."""
    await connection.execute(
        delete(memberships).where(memberships.c.room == room_id, memberships.c.user == user_id)
    )


async def find_role(connection: AsyncConnection, room_id: str, user_id: str) -> Role | None:
    """Return what a user is in a room; None for who doesn't belong to it."""
    role = await connection.scalar(
        select(memberships.c.role).where(memberships.c.room == room_id, memberships.c.user == user_id)
    )
    return None if role is None else Role(role)


async def require_role(connection: AsyncConnection, room_id: str, user_id: str) -> Role:
    """Return what a user is in a room.

    Raises:
        ChatError: that of `refusal` for who doesn't belong to it.
    """
    role = await find_role(connection, room_id, user_id)
    if role is None:
        raise await refusal(connection, room_id)
    return role


async def refusal(connection: AsyncConnection, room_id: str) -> ChatError:
    """Return why a room is closed to who doesn't belong to it.

    That is `not_member` where they could find it and join, and `not_found` where they must not learn whether
    it is there.
    """
    return ChatError(Code.NOT_MEMBER if await select_public(connection, {room_id}) else Code.NOT_FOUND)


async def select_public(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Return those of the rooms that anybody may find."""
    if not ids:
        return set()
    rows = await connection.scalars(
        select(rooms.c.id).where(rooms.c.id.in_(list(ids)), rooms.c.visibility == Visibility.PUBLIC)
    )
    return set(rows)


async def set_role(connection: AsyncConnection, room_id: str, user_id: str, role: Role) -> None:
    """Make a member something else."""
    await connection.execute(
        update(memberships)
        .where(memberships.c.room == room_id, memberships.c.user == user_id)
        .values(role=role)
    )


async def count_members(connection: AsyncConnection, room_id: str) -> Counter[Role]:
    """Return how many belong to a room as what."""
    rows = await connection.execute(
        select(memberships.c.role, func.count())
        .where(memberships.c.room == room_id)
        .group_by(memberships.c.role)
    )
    return Counter({Role(role): count for role, count in rows})


async def list_members(
    connection: AsyncConnection, room_id: str, after: str, limit: int
) -> list[tuple[User, Role]]:
    """Return members and what they are, by id, beginning after an id."""
    rows = await connection.execute(
        select(users.c.id, users.c.name, users.c.kind, memberships.c.role)
        .join(memberships, memberships.c.user == users.c.id)
        .where(memberships.c.room == room_id, users.c.id > after)
        .order_by(users.c.id)
        .limit(limit)
    )
    return [(User(row.id, row.name, row.kind), Role(row.role)) for row in rows]


async def list_member_ids(connection: AsyncConnection, room_id: str, limit: int) -> list[str]:
    """Return who belongs to a room, or so many of them."""
    rows = await connection.scalars(
        select(memberships.c.user).where(memberships.c.room == room_id).limit(limit)
    )
    return list(rows)


_PAIRS = select(memberships.c.room, memberships.c.user)


async def select_members(
    connection: AsyncConnection, pairs: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return those of the pairs (room, user) in which the user belongs to the room."""
    rows = await select_pairs(connection, _PAIRS, memberships.c.room, memberships.c.user, pairs)
    return {(row.room, row.user) for row in rows}


# Who may not


async def ban(connection: AsyncConnection, room_id: str, user_id: str, by: str, now: int) -> None:
    """Keep a user out of a room; does nothing if they are already."""
    if not await is_banned(connection, room_id, user_id):
        await connection.execute(insert(bans).values(room=room_id, user=user_id, by=by, ts=now))


async def unban(connection: AsyncConnection, room_id: str, user_id: str) -> None:
    """Keep a user out of a room no longer."""
    await connection.execute(delete(bans).where(bans.c.room == room_id, bans.c.user == user_id))


async def is_banned(connection: AsyncConnection, room_id: str, user_id: str) -> bool:
    """Say whether a user is kept out of a room."""
    found = await connection.scalar(select(bans.c.ts).where(bans.c.room == room_id, bans.c.user == user_id))
    return found is not None
