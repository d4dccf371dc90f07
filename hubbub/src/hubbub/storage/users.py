"""Queries about users."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Account, Person, ServerRole, User
from hubbub.domain.permissions import check_administers
from hubbub.storage.tables import memberships, sessions, users

_USER = (users.c.id, users.c.name, users.c.kind)
_ADMINISTERS = (users.c.role == ServerRole.ADMINISTRATOR) & users.c.disabled.is_(None)


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
    check_administers(await _find_role(connection, user_id))


async def is_administrator(connection: AsyncConnection, user_id: str) -> bool:
    """Say whether a user administers the chat."""
    return await _find_role(connection, user_id) is ServerRole.ADMINISTRATOR


async def _find_role(connection: AsyncConnection, user_id: str) -> ServerRole | None:
    role = await connection.scalar(
        select(users.c.role).where(users.c.id == user_id, users.c.disabled.is_(None))
    )
    return None if role is None else ServerRole(role)


async def set_password(connection: AsyncConnection, user_id: str, password: str) -> None:
    """Store the hash of an account's new password."""
    await connection.execute(update(users).where(users.c.id == user_id).values(password=password))


async def set_role(connection: AsyncConnection, user_id: str, role: ServerRole) -> None:
    """Make a user something else in the whole chat."""
    await connection.execute(update(users).where(users.c.id == user_id).values(role=role))


async def has_administrator(connection: AsyncConnection) -> bool:
    """Say whether there is anybody who administers the chat."""
    return await connection.scalar(select(users.c.id).where(_ADMINISTERS).limit(1)) is not None


async def count_administrators(connection: AsyncConnection) -> int:
    """Say how many administer the chat."""
    return await connection.scalar(select(func.count()).where(_ADMINISTERS)) or 0


async def set_disabled(connection: AsyncConnection, user_id: str, since: int | None) -> bool:
    """Keep a user out since then, or, with None, no longer; say whether that changes anything."""
    differs = users.c.disabled.is_not(None) if since is None else users.c.disabled.is_(None)
    changed = await connection.execute(
        update(users).where(users.c.id == user_id, differs).values(disabled=since).returning(users.c.id)
    )
    return changed.one_or_none() is not None


async def search(connection: AsyncConnection, query: str, after: str, limit: int) -> list[Person]:
    """Return people in whose name or username the query is found, by name, beginning after who has an id."""
    seen = select(func.max(sessions.c.seen)).where(sessions.c.user == users.c.id).scalar_subquery()
    found = select(
        *_USER, users.c.username, users.c.role, users.c.created, users.c.disabled, seen.label("seen")
    )
    if query:
        wanted = query.lower()
        found = found.where(
            func.lower(users.c.name).contains(wanted, autoescape=True)
            | users.c.username.contains(wanted, autoescape=True)
        )
    if after:
        last = users.alias("last")
        found = found.join(last, last.c.id == after).where(
            (users.c.name > last.c.name) | ((users.c.name == last.c.name) & (users.c.id > last.c.id))
        )
    rows = await connection.execute(found.order_by(users.c.name, users.c.id).limit(limit))
    return [
        Person(
            User(row.id, row.name, row.kind, row.username, ServerRole(row.role)),
            row.created,
            row.disabled,
            row.seen,
        )
        for row in rows
    ]


async def names(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of users, by id."""
    rows = await connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(set(ids))))
    return {row.id: row.name for row in rows}


async def search_known(connection: AsyncConnection, user_id: str, text: str, limit: int) -> list[User]:
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
