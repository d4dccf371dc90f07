"""Queries about sessions: who is signed in, by what digest of a token."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Head, Login, ServerRole, User
from hubbub.storage.tables import memberships, sessions, streams, users

_USER = (users.c.id, users.c.name, users.c.kind, users.c.username, users.c.role)
_LOGIN = (sessions.c.id, sessions.c.label, sessions.c.created, sessions.c.seen, sessions.c.expires)


_TOUCH = update(sessions).where(sessions.c.digest == bindparam("used")).values(seen=bindparam("now"))


class Found(NamedTuple):
    """A session that is there, and whose it is."""

    user: User
    login: Login


class Listed(NamedTuple):
    """A session, and by what digest it is known."""

    digest: bytes
    login: Login


async def add(connection: AsyncConnection, digest: bytes, user_id: str, login: Login) -> None:
    """Store a new session."""
    await connection.execute(
        insert(sessions).values(
            digest=digest,
            user=user_id,
            id=login.id,
            label=login.label,
            created=login.created,
            seen=login.seen,
            expires=login.expires,
        ),
    )


async def find(connection: AsyncConnection, digest: bytes, now: int) -> Found | None:
    """Return a session; None if there is none, or no longer, or its user may not use it."""
    rows = await connection.execute(
        select(*_USER, *_LOGIN)
        .join(sessions, sessions.c.user == users.c.id)
        .where(sessions.c.digest == digest, sessions.c.expires > now, users.c.disabled.is_(None)),
    )
    row = rows.one_or_none()
    return None if row is None else _found(row)


def _found(row: Sequence[Any]) -> Found:
    user_id, name, kind, username, role, *login = row
    return Found(User(user_id, name, kind, username, ServerRole(role)), Login(*login))


async def is_there(connection: AsyncConnection, digest: bytes) -> bool:
    """Say whether a session is stored, whether it lets anybody in or not."""
    found = await connection.scalar(select(sessions.c.id).where(sessions.c.digest == digest))
    return found is not None


async def is_disabled(connection: AsyncConnection, digest: bytes, now: int) -> bool:
    """Say whether there is such a session, of a user who may not use it."""
    found = await connection.scalar(
        select(sessions.c.id)
        .join(users, users.c.id == sessions.c.user)
        .where(sessions.c.digest == digest, sessions.c.expires > now, users.c.disabled.is_not(None))
    )
    return found is not None


_own = streams.alias("own")
_ARRIVALS = (
    select(
        sessions.c.digest,
        *_USER,
        *_LOGIN,
        _own.c.epoch.label("own_epoch"),
        _own.c.head.label("own_head"),
        streams.c.id.label("room"),
        streams.c.epoch,
        streams.c.head,
    )
    .join(users, users.c.id == sessions.c.user)
    .join(_own, _own.c.id == users.c.id)
    .outerjoin(memberships, memberships.c.user == users.c.id)
    .outerjoin(streams, streams.c.id == memberships.c.room)
    .where(
        sessions.c.digest.in_(bindparam("digests", expanding=True)),
        sessions.c.expires > bindparam("now"),
        users.c.disabled.is_(None),
    )
)


async def find_with_heads(
    connection: AsyncConnection, digests: Collection[bytes], now: int
) -> dict[bytes, tuple[Found, list[Head]]]:
    """Return those of the sessions that `find` would, with the heads of their users' inboxes and rooms.

    It is one query, however many sessions they are.
    """
    found: dict[bytes, tuple[Found, list[Head]]] = {}
    for digest, *row in await connection.execute(_ARRIVALS, {"digests": list(digests), "now": now}):
        *session, own_epoch, own_head, room, epoch, head = row
        if digest not in found:
            one = _found(session)
            found[digest] = one, [Head(one.user.id, own_epoch, own_head)]
        if room is not None:
            found[digest][1].append(Head(room, epoch, head))
    return found


async def list_own(connection: AsyncConnection, user_id: str, now: int) -> list[Listed]:
    """Return a user's sessions, the last used first."""
    rows = await connection.execute(
        select(sessions.c.digest, *_LOGIN)
        .where(sessions.c.user == user_id, sessions.c.expires > now)
        .order_by(sessions.c.seen.desc(), sessions.c.id),
    )
    return [Listed(row.digest, Login(*row[1:])) for row in rows]


async def touch(connection: AsyncConnection, digests: Collection[bytes], now: int) -> None:
    """Store that sessions were used."""
    if digests:
        await connection.execute(_TOUCH, [{"used": digest, "now": now} for digest in digests])


async def remove(connection: AsyncConnection, digest: bytes) -> None:
    """Forget a session, if it is there."""
    await connection.execute(delete(sessions).where(sessions.c.digest == digest))


async def remove_own(connection: AsyncConnection, user_id: str, session_id: str) -> bytes | None:
    """Forget a user's session by its id; return its digest, or None if there is no such session."""
    removed = await _remove(connection, (sessions.c.user == user_id) & (sessions.c.id == session_id))
    return removed[0] if removed else None


async def remove_others(connection: AsyncConnection, user_id: str, digest: bytes) -> list[bytes]:
    """Forget every session of a user but one; return their digests."""
    return await _remove(connection, (sessions.c.user == user_id) & (sessions.c.digest != digest))


async def remove_all(connection: AsyncConnection, user_id: str) -> list[bytes]:
    """Forget every session of a user; return their digests."""
    return await _remove(connection, sessions.c.user == user_id)


async def remove_oldest(connection: AsyncConnection, user_id: str, keep: int) -> list[bytes]:
    """Forget all of a user's sessions but so many, those that were used last; return their digests."""
    kept = (
        select(sessions.c.digest)
        .where(sessions.c.user == user_id)
        .order_by(sessions.c.seen.desc(), sessions.c.created.desc(), sessions.c.id)
        .limit(keep)
    )
    return await _remove(connection, (sessions.c.user == user_id) & sessions.c.digest.not_in(kept))


async def _remove(connection: AsyncConnection, which: ColumnElement[bool]) -> list[bytes]:
    removed = await connection.execute(delete(sessions).where(which).returning(sessions.c.digest))
    return [row.digest for row in removed]


async def has_expired(connection: AsyncConnection, now: int) -> bool:
    """Say whether there is a session whose time is over."""
    return (
        await connection.scalar(select(sessions.c.id).where(sessions.c.expires <= now).limit(1)) is not None
    )


async def remove_expired(connection: AsyncConnection, now: int) -> list[bytes]:
    """Forget every session whose time is over; return their digests."""
    return await _remove(connection, sessions.c.expires <= now)
