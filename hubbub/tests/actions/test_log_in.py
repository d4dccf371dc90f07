"""Signing in by a password."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.log_in import log_in
from hubbub.domain.events import SessionRevoked
from hubbub.storage import sessions
from hubbub.storage.tables import users


async def test_each_log_in_is_a_session(database, bus, passwords, ann) -> None:
    """Who knows the password is the same user again, by a token of its own."""
    again = await log_in(database, bus, passwords, " ANN ", "correct horse")

    assert again.user == ann.user == await authenticate(database, again.token)
    assert again.token != ann.token
    assert await authenticate(database, ann.token) == ann.user


@pytest.mark.parametrize(
    "username,password",
    [
        ("ann", "wrong horse"),
        ("ann", ""),
        ("bob", "correct horse"),
        ("no name", "x"),
        ("", ""),
        ("\ud800", "x"),
    ],
)
async def test_wrong_credentials_are_refused(
    database, bus, passwords, ann, code_of, username, password
) -> None:
    """Nobody gets in by half of it."""
    assert await code_of(log_in(database, bus, passwords, username, password)) == "unauthorized"


async def test_work_is_the_same_for_all(database, bus, passwords, ann, code_of, monkeypatch) -> None:
    """Whether there is such an account doesn't show in what is done."""
    worked = []

    async def verify(password: str, stored: str | None) -> bool:
        worked.append(stored is not None)
        return False

    monkeypatch.setattr(passwords, "verify", verify)
    for username in ("ann", "bob", "no name"):
        await code_of(log_in(database, bus, passwords, username, "correct horse"))

    assert worked == [True, False, False]


async def test_guests_have_no_password(database, bus, passwords, guest, code_of) -> None:
    """A guest's name or id is nothing to sign in by."""
    bob = await guest("bob")

    for username in ("bob", bob.user.id):
        assert await code_of(log_in(database, bus, passwords, username, "")) == "unauthorized"


async def test_disabled_account_is_told(database, bus, passwords, ann, code_of) -> None:
    """Only who knows the password learns that the account is disabled; its sessions are worth nothing."""
    disable = update(users).where(users.c.id == ann.user.id).values(disabled=1)
    await database.write(lambda transaction: transaction.connection.execute(disable))

    assert await code_of(log_in(database, bus, passwords, "ann", "correct horse")) == "forbidden"
    assert await code_of(log_in(database, bus, passwords, "ann", "wrong horse")) == "unauthorized"
    assert await authenticate(database, ann.token) is None


async def test_old_password_is_too_late(database, bus, passwords, ann, code_of, monkeypatch) -> None:
    """Who knows the old password isn't let in once there is another, were it meanwhile."""
    verify = passwords.verify

    async def verify_and_change(password: str, stored: str | None) -> bool:
        is_right = await verify(password, stored)
        change = update(users).where(users.c.id == ann.user.id).values(password="#new")
        await database.write(lambda transaction: transaction.connection.execute(change))
        return is_right

    monkeypatch.setattr(passwords, "verify", verify_and_change)

    assert await code_of(log_in(database, bus, passwords, "ann", "correct horse")) == "unauthorized"


async def test_sessions_are_bounded(database, bus, passwords, ann, guest, heard, monkeypatch) -> None:
    """Of one session too many, that ends which was used least lately; nobody else's does."""
    monkeypatch.setattr("hubbub.actions.log_in.SESSIONS", 2)
    bob = await guest("Bob")
    second = await log_in(database, bus, passwords, "ann", "correct horse")
    await database.write(
        lambda transaction: sessions.touch(
            transaction.connection, [digest_token(ann.token)], transaction.now + 1
        )
    )
    heard.clear()

    third = await log_in(database, bus, passwords, "ann", "correct horse")

    assert heard == [SessionRevoked(digest_token(second.token).hex())]
    assert await authenticate(database, second.token) is None
    assert [await authenticate(database, each.token) for each in (ann, third)] == [ann.user] * 2
    assert await authenticate(database, bob.token) == bob.user
