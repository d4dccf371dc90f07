"""Forgetting sessions whose time is over."""

from __future__ import annotations

from sqlalchemy import func, select

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.forget_sessions import forget_sessions
from hubbub.domain.events import SessionExpired
from hubbub.domain.policies import SESSION_LIFETIME
from hubbub.storage.tables import sessions


async def test_only_expired_sessions_are_forgotten(database, bus, heard, guest, wall_clock) -> None:
    """What has expired is gone from the table and told of; what hasn't still lets its user in."""
    ann = await guest("Ann")
    wall_clock.now += SESSION_LIFETIME * 1000
    bob = await guest("Bob")

    heard.clear()

    await forget_sessions(database, bus)
    await forget_sessions(database, bus)

    assert (
        await database.read(lambda connection: connection.scalar(select(func.count()).select_from(sessions)))
        == 1
    )
    assert await authenticate(database, bob.token) == bob.user
    assert heard == [SessionExpired(digest_token(ann.token).hex())]
