"""Queries about users."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Account, ServerRole, User
from hubbub.domain.permissions import check_administers
from hubbub.storage.tables import users

_USER = (users.c.id, users.c.name, users.c.kind)


async def add(connection: AsyncConnection, user: User, now: int, password: str | None = None) -> None:
    """Store a new user; `password` is the hash of an account's, whose username is folded."""
    await connection.execute(
        insert(users).values(
            id=user.id,
            name=user.name,
            kind=user.kind,
            created=now,
            username=user.username,
            password=password,
            role=user.role,
        ),
    )


async def rename(connection: AsyncConnection, user_id: str, name: str) -> None:
    """Give a user another name."""
    await connection.execute(update(users).where(users.c.id == user_id).values(name=name))


async def find(connection: AsyncConnection, user_id: str) -> User | None:
    """Return a user, if there is one with this id."""
    rows = await connection.execute(select(*_USER).where(users.c.id == user_id))
    row = rows.one_or_none()
    return None if row is None else User(*row)


async def find_account(connection: AsyncConnection, username: str) -> Account | None:
    """Return who signs in by a folded name, if anybody does."""
    return await _find_account(connection, users.c.username == username)


async def find_own_account(connection: AsyncConnection, user_id: str) -> Account | None:
    """Return a user's account; None for who has none."""
    return await _find_account(connection, users.c.id == user_id)


async def _find_account(connection: AsyncConnection, condition: ColumnElement[bool]) -> Account | None:
    rows = await connection.execute(
        select(*_USER, users.c.username, users.c.role, users.c.password, users.c.disabled).where(
            condition, users.c.password.is_not(None)
        )
    )
    row = rows.one_or_none()
    if row is None:
        return None
    return Account(User(*row[:4], ServerRole(row.role)), row.password, row.disabled is not None)


async def require_administrator(connection: AsyncConnection, user_id: str) -> None:
    """Refuse a user who doesn't administer the chat, or may not be in it.

    Raises:
        ChatError: `forbidden`.
    """
    role = await connection.scalar(
        select(users.c.role).where(users.c.id == user_id, users.c.disabled.is_(None))
    )
    check_administers(None if role is None else ServerRole(role))


async def set_password(connection: AsyncConnection, user_id: str, password: str) -> None:
    """Store the hash of an account's new password."""
    await connection.execute(update(users).where(users.c.id == user_id).values(password=password))


async def set_role(connection: AsyncConnection, user_id: str, role: ServerRole) -> None:
    """Make a user something else in the whole chat."""
    await connection.execute(update(users).where(users.c.id == user_id).values(role=role))


async def has_administrator(connection: AsyncConnection) -> bool:
    """Say whether there is anybody who administers the chat."""
    found = await connection.scalar(
        select(users.c.id)
        .where(users.c.role == ServerRole.ADMINISTRATOR, users.c.disabled.is_(None))
        .limit(1)
    )
    return found is not None


async def names(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of users, by id."""
    rows = await connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(set(ids))))
    return {row.id: row.name for row in rows}
