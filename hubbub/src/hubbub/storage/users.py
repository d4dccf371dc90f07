"""Queries about users."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Account, User
from hubbub.storage.tables import memberships, users

_USER = (users.c.id, users.c.name, users.c.kind)


async def add(connection: AsyncConnection, user: User, now: int, password: str | None = None) -> None:
    """Store a new user; `password` is the hash of an account's, whose username is folded."""
    await connection.execute(
        insert(users).values(
            id=user.id, name=user.name, kind=user.kind, created=now, username=user.username, password=password
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
        select(*_USER, users.c.username, users.c.password, users.c.disabled).where(
            condition, users.c.password.is_not(None)
        )
    )
    row = rows.one_or_none()
    return None if row is None else Account(User(*row[:4]), row.password, row.disabled is not None)


async def set_password(connection: AsyncConnection, user_id: str, password: str) -> None:
    """Store the hash of an account's new password."""
    await connection.execute(update(users).where(users.c.id == user_id).values(password=password))


async def names(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of users, by id."""
    rows = await connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


async def search(connection: AsyncConnection, user_id: str, text: str, limit: int) -> list[User]:
    """Return others with a text in their names who share a room with a user, and those of just this name.

    These come first.  What is typed in small letters finds capitals too, as far as the database knows them.
    """
    mine, theirs = memberships.alias("mine"), memberships.alias("theirs")
    known = select(theirs.c.user).join(mine, mine.c.room == theirs.c.room).where(mine.c.user == user_id)
    is_called = users.c.name == text
    contains = func.lower(users.c.name).contains(text.lower(), autoescape=True)
    rows = await connection.execute(
        select(*_USER)
        .where(
            users.c.id != user_id,
            users.c.disabled.is_(None),
            is_called | (contains & users.c.id.in_(known)),
        )
        .order_by(is_called.desc(), users.c.name, users.c.id)
        .limit(limit)
    )
    return [User(*row) for row in rows]
