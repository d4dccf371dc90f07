"""Queries about links that let people in."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Invitation, ShownInvitation
from hubbub.storage.tables import invites, rooms, users

_INVITE = (
    invites.c.id,
    invites.c.by,
    invites.c.created,
    invites.c.expires,
    invites.c.uses,
    invites.c.used,
    invites.c.room,
)


async def add(connection: AsyncConnection, digest: bytes, invite: Invitation) -> None:
    """Store a new invitation."""
    await connection.execute(
        insert(invites).values(
            id=invite.id,
            digest=digest,
            by=invite.by,
            created=invite.created,
            expires=invite.expires,
            uses=invite.uses,
            used=invite.used,
            room=invite.room,
        )
    )


_SHOWN = (
    select(*_INVITE, users.c.name, rooms.c.name.label("room_name"))
    .join(users, users.c.id == invites.c.by)
    .outerjoin(rooms, rooms.c.id == invites.c.room)
)


async def find(connection: AsyncConnection, digest: bytes, now: int) -> ShownInvitation | None:
    """Return an invitation that is still one; that of who may not be here any more is none."""
    rows = await connection.execute(
        _SHOWN.where(
            invites.c.digest == digest,
            invites.c.expires > now,
            invites.c.used < invites.c.uses,
            users.c.disabled.is_(None),
        )
    )
    row = rows.one_or_none()
    return None if row is None else ShownInvitation(Invitation(*row[:7]), row[7], row[8])


async def use(connection: AsyncConnection, invite_id: str) -> None:
    """Count that an invitation let somebody in."""
    await connection.execute(update(invites).where(invites.c.id == invite_id).values(used=invites.c.used + 1))


async def list_valid(connection: AsyncConnection, by: str | None, now: int) -> list[ShownInvitation]:
    """Return those who are still invitations, the newest first; `by` one user, or by anybody."""
    query = _SHOWN.where(invites.c.expires > now, invites.c.used < invites.c.uses)
    if by is not None:
        query = query.where(invites.c.by == by)
    rows = await connection.execute(query.order_by(invites.c.created.desc(), invites.c.id))
    return [ShownInvitation(Invitation(*row[:7]), row[7], row[8]) for row in rows]


async def count_valid(connection: AsyncConnection, by: str, now: int) -> int:
    """Say how many invitations a user has made that still are."""
    query = select(func.count()).where(
        invites.c.by == by, invites.c.expires > now, invites.c.used < invites.c.uses
    )
    return await connection.scalar(query) or 0


async def remove(connection: AsyncConnection, invite_id: str, by: str | None) -> bool:
    """Forget an invitation, if it is there and, where that is asked, `by` this user; say whether it was."""
    condition = invites.c.id == invite_id
    if by is not None:
        condition &= invites.c.by == by
    removed = await connection.execute(delete(invites).where(condition).returning(invites.c.id))
    return removed.one_or_none() is not None


async def forget_past(connection: AsyncConnection, now: int) -> None:
    """Forget all that are invitations no longer."""
    await connection.execute(
        delete(invites).where((invites.c.expires <= now) | (invites.c.used >= invites.c.uses))
    )
