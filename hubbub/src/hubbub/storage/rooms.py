"""Queries about rooms, who belongs to them as what, and who may not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import (
    Ban,
    History,
    Kind,
    Marks,
    Membership,
    Posting,
    Role,
    Room,
    Sight,
    Standing,
    User,
    Visibility,
)
from hubbub.storage.engine import select_pairs
from hubbub.storage.marks import unread
from hubbub.storage.tables import bans, memberships, rooms, streams, users

PAGE: Final = 1_000

_RULES = (rooms.c.kind, rooms.c.posting, rooms.c.history, rooms.c.archived)
_ROOM = (rooms.c.id, rooms.c.name, rooms.c.topic, rooms.c.visibility, *_RULES)

People = Mapping[str, tuple[User, ...]]
"""Whose talk each room is that is one."""


def _room(row: Row[*tuple[Any, ...]], people: People) -> Room:
    return Room(
        row.id,
        row.name,
        row.topic,
        Visibility(row.visibility),
        Kind(row.kind),
        Posting(row.posting),
        History(row.history),
        row.archived,
        people.get(row.id, ()),
    )


async def add(connection: AsyncConnection, room: Room, now: int, pair: str | None = None) -> None:
    """Store a new room; there is one of a `pair`."""
    await connection.execute(
        insert(rooms).values(
            id=room.id,
            name=room.name,
            topic=room.topic,
            visibility=room.visibility,
            kind=room.kind,
            posting=room.posting,
            history=room.history,
            archived=room.archived,
            pair=pair,
            created=now,
        ),
    )


async def change(connection: AsyncConnection, room: Room) -> None:
    """Store what a room is now."""
    await connection.execute(
        update(rooms)
        .where(rooms.c.id == room.id)
        .values(
            name=room.name,
            topic=room.topic,
            visibility=room.visibility,
            posting=room.posting,
            history=room.history,
            archived=room.archived,
        )
    )


async def find(connection: AsyncConnection, room_id: str) -> Room | None:
    """Return a room, if there is one with this id."""
    rows = await connection.execute(select(*_ROOM).where(rooms.c.id == room_id))
    row = rows.one_or_none()
    return None if row is None else _room(row, await _find_people(connection, row))


async def find_pair(connection: AsyncConnection, pair: str) -> str | None:
    """Return the id of the room of a pair, if it has one."""
    found: str | None = await connection.scalar(select(rooms.c.id).where(rooms.c.pair == pair))
    return found


async def _find_people(connection: AsyncConnection, row: Row[*tuple[Any, ...]]) -> People:
    if row.kind == Kind.ROOM:
        return {}
    return await _select_people(connection, memberships.c.room == row.id)


async def _select_people(connection: AsyncConnection, which: ColumnElement[bool]) -> People:
    """Return who belongs to those of the rooms that are talks, in the order of joining."""
    rows = await connection.execute(
        select(memberships.c.room, users.c.id, users.c.name, users.c.kind)
        .join(users, users.c.id == memberships.c.user)
        .join(rooms, rooms.c.id == memberships.c.room)
        .where(rooms.c.kind != Kind.ROOM, which)
        .order_by(memberships.c.since, users.c.id)
    )
    found: dict[str, tuple[User, ...]] = {}
    for room, *user in rows:
        found[room] = (*found.get(room, ()), User(*user))
    return found


async def shows_all(connection: AsyncConnection, room_id: str) -> bool:
    """Say whether whoever belongs to a room sees everything in it."""
    found = await connection.scalar(select(rooms.c.history).where(rooms.c.id == room_id))
    return found == History.ALL


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


async def list_public(
    connection: AsyncConnection, user_id: str, after: str, limit: int, *, archived: bool = False
) -> list[Listed]:
    """Return rooms that anybody may find, by name, beginning after the room with an id; "" for all.

    Those that were archived are listed apart, and among them one's own, whoever may find them.

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
    is_public = rooms.c.visibility == Visibility.PUBLIC
    listed = (
        rooms.c.archived.is_not(None) & (is_public | rooms.c.id.in_(own))
        if archived
        else (rooms.c.archived.is_(None) & is_public)
    )
    rows = await connection.execute(query.where(listed).order_by(rooms.c.name, rooms.c.id).limit(limit))
    return [Listed(_room(row, {}), row.members, bool(row.is_own)) for row in rows]


# Who belongs to them


_SINCE = case((rooms.c.history == History.JOINED, memberships.c.since), else_=0).label("since")
"""From which event on a member sees a room."""


def _select_memberships(user_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *_ROOM,
            memberships.c.role,
            memberships.c.read,
            unread().label("unread"),
            memberships.c.mentions,
            _SINCE,
            streams.c.head,
        )
        .join(memberships, memberships.c.room == rooms.c.id)
        .join(streams, streams.c.id == rooms.c.id)
        .where(memberships.c.user == user_id)
    )


def _membership(row: Row[*tuple[Any, ...]], user_id: str, people: People) -> Membership:
    room = _room(row, people).seen_by(user_id)
    return Membership(room, Role(row.role), Marks(row.read, row.unread, row.mentions), row.since, row.head)


async def find_for_member(connection: AsyncConnection, room_id: str, user_id: str) -> Membership | None:
    """Return a room as a member has it; for who isn't one, it looks as if it weren't there."""
    rows = await connection.execute(_select_memberships(user_id).where(rooms.c.id == room_id))
    row = rows.one_or_none()
    return None if row is None else _membership(row, user_id, await _find_people(connection, row))


async def list_for_member(connection: AsyncConnection, user_id: str) -> list[Membership]:
    """Return every room that the user belongs to, in the order of joining."""
    rows = await connection.execute(
        _select_memberships(user_id).order_by(memberships.c.joined, memberships.c.room)
    )
    mine = memberships.alias("mine")
    own = select(mine.c.room).where(mine.c.user == user_id)
    people = await _select_people(connection, memberships.c.room.in_(own))
    return [_membership(row, user_id, people) for row in rows]


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
    """Make a user belong to a room, who has read what is there already.

    The last event is the one by which they came.
    """
    of_room = streams.c.id == room_id
    await connection.execute(
        insert(memberships).values(
            room=room_id,
            user=user_id,
            joined=now,
            role=role,
            since=select(streams.c.head).where(of_room).scalar_subquery(),
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


_STANDINGS = select(
    memberships.c.room,
    memberships.c.user,
    memberships.c.role,
    _SINCE,
    rooms.c.kind,
    rooms.c.posting,
    rooms.c.archived,
).join(rooms, rooms.c.id == memberships.c.room)


async def select_standings(
    connection: AsyncConnection, pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Standing]:
    """Return, for those of the pairs (room, user) in which the user belongs to the room, as what."""
    rows = await select_pairs(connection, _STANDINGS, memberships.c.room, memberships.c.user, pairs)
    return {
        (row.room, row.user): Standing(
            Role(row.role),
            Sight(row.room, row.since),
            Kind(row.kind),
            Posting(row.posting),
            row.archived is not None,
        )
        for row in rows
    }


async def require_standing(connection: AsyncConnection, room_id: str, user_id: str) -> Standing:
    """Return what a user is in a room, and what room it is.

    Raises:
        ChatError: that of `refusal` for who doesn't belong to it.
    """
    found = await select_standings(connection, [(room_id, user_id)])
    if not found:
        raise await refusal(connection, room_id)
    return found[room_id, user_id]


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


async def list_bans(connection: AsyncConnection, room_id: str, after: str, limit: int) -> list[Ban]:
    """Return who is kept out of a room, by id, beginning after an id."""
    by = users.alias("by")
    rows = await connection.execute(
        select(users.c.id, users.c.name, users.c.kind, by.c.id, by.c.name, by.c.kind, bans.c.ts)
        .join(users, users.c.id == bans.c.user)
        .join(by, by.c.id == bans.c.by)
        .where(bans.c.room == room_id, bans.c.user > after)
        .order_by(bans.c.user)
        .limit(limit)
    )
    return [Ban(User(*row[:3]), User(*row[3:6]), row[6]) for row in rows]
