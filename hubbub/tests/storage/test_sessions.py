"""The queries about sessions."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import User
from hubbub.storage import sessions


async def test_session_is_its_users(connection: AsyncConnection) -> None:
    """A digest finds whose session it is, until it expires."""
    await sessions.add(connection, b"#1", "u_ann", 1, 100)

    assert await sessions.find_user(connection, b"#1", 99) == User("u_ann", "Ann", "guest")
    assert await sessions.find_user(connection, b"#1", 100) is None
    assert await sessions.find_user(connection, b"#2", 99) is None


async def test_removed_session_is_nobodys(connection: AsyncConnection) -> None:
    """A session that was removed is gone; removing it again does nothing."""
    await sessions.add(connection, b"#1", "u_ann", 1, 100)
    await sessions.remove(connection, b"#1")
    await sessions.remove(connection, b"#1")

    assert await sessions.find_user(connection, b"#1", 2) is None


async def test_expired_sessions_are_removed(connection: AsyncConnection) -> None:
    """Those whose time is over go, and the others stay."""
    await sessions.add(connection, b"#1", "u_ann", 1, 100)
    await sessions.add(connection, b"#2", "u_ann", 1, 200)
    await sessions.remove_expired(connection, 100)

    assert await sessions.find_user(connection, b"#1", 1) is None
    assert await sessions.find_user(connection, b"#2", 1) is not None
