"""Signing people in."""

from __future__ import annotations

from hubbub.actions.authenticate import authenticate
from hubbub.actions.begin_session import begin_session
from hubbub.domain.policies import SESSION_LIFETIME
from hubbub.storage import sessions


async def test_session_is_made(database, guest, wall_clock) -> None:
    """Each session has a token and an id of its own, and what its program says of itself."""
    ann = await guest("Ann")
    wall_clock.now += 1000

    signed_in = await database.write(
        lambda transaction: begin_session(transaction, ann.user, "Firefox\non Debian")
    )

    assert signed_in.user == await authenticate(database, signed_in.token) == ann.user
    assert signed_in.token != ann.token
    new, old = [
        login
        for _, login in await database.read(
            lambda connection: sessions.list_own(connection, ann.user.id, wall_clock.now)
        )
    ]
    assert new.id != old.id
    assert (new.label, new.created, new.seen) == ("Firefox on Debian", wall_clock.now, wall_clock.now)
    assert new.expires == wall_clock.now + SESSION_LIFETIME * 1000
