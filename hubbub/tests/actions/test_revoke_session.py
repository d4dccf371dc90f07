"""Ending sessions from elsewhere."""

from __future__ import annotations

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.begin_session import begin_session
from hubbub.actions.list_sessions import list_sessions
from hubbub.actions.revoke_session import revoke_session
from hubbub.domain.events import SessionRevoked


async def test_session_ends_at_once(database, bus, guest, heard) -> None:
    """A session that is revoked lets nobody in, and its connections are told; others go on."""
    ann = await guest("Ann")
    phone = await database.write(lambda transaction: begin_session(transaction, ann.user, "Phone"))
    [listed] = [
        each for each in await list_sessions(database, ann.user, digest_token(phone.token)) if each.is_own
    ]
    heard.clear()

    await revoke_session(database, bus, ann.user, listed.login.id)

    assert await authenticate(database, phone.token) is None
    assert await authenticate(database, ann.token) == ann.user
    assert heard == [SessionRevoked(digest_token(phone.token).hex())]


async def test_others_session_is_not_found(database, bus, guest, heard, code_of) -> None:
    """Nobody ends a session that isn't theirs."""
    ann, bob = await guest("Ann"), await guest("Bob")
    [listed] = await list_sessions(database, bob.user, digest_token(bob.token))
    heard.clear()

    for session in (listed.login.id, "unknown", digest_token(bob.token).hex()):
        assert await code_of(revoke_session(database, bus, ann.user, session)) == "not_found"
    assert await authenticate(database, bob.token) == bob.user
    assert heard == []
