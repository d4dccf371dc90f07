"""Forgetting sessions whose time is over."""

from __future__ import annotations

from sqlalchemy import func, select

from hubbub.actions.authenticate import authenticate
from hubbub.actions.forget_sessions import forget_sessions
from hubbub.domain.policies import SESSION_LIFETIME
from hubbub.storage.tables import sessions


async def test_only_expired_sessions_are_forgotten(database, guest, wall_clock) -> None:
    """What has expired is gone from the table; what hasn't still lets its user in."""
    await guest("Ann")
    wall_clock.now += SESSION_LIFETIME * 1000
    bob = await guest("Bob")

    await forget_sessions(database)

    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(sessions)) == 1
    assert await authenticate(database, bob.token) == bob.user
