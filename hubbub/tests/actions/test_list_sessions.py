"""Seeing where one is signed in."""

from __future__ import annotations

from hubbub.actions.authenticate import digest_token
from hubbub.actions.begin_session import begin_session
from hubbub.actions.list_sessions import list_sessions
from hubbub.domain.policies import SESSION_LIFETIME


async def test_own_sessions_are_listed(database, guest, wall_clock) -> None:
    """The last used comes first, and it is told which one asks."""
    ann = await guest("Ann")
    await guest("Bob")
    wall_clock.now += 1000
    phone = await database.write(lambda transaction: begin_session(transaction, ann.user, "Phone"))

    listed = [
        await list_sessions(database, ann.user, digest_token(token)) for token in (ann.token, phone.token)
    ]

    assert [[(each.login.label, each.is_own) for each in sessions] for sessions in listed] == [
        [("Phone", False), ("", True)],
        [("Phone", True), ("", False)],
    ]


async def test_expired_session_is_not_listed(database, guest, wall_clock) -> None:
    """A session whose time is over is none."""
    ann = await guest("Ann")
    wall_clock.now += SESSION_LIFETIME * 1000

    assert await list_sessions(database, ann.user, digest_token(ann.token)) == []
