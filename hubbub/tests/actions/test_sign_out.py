"""Ending sessions."""

from __future__ import annotations

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.sign_out import sign_out
from hubbub.domain.events import SessionRevoked


async def test_token_is_worth_nothing_afterwards(database, bus, guest, heard) -> None:
    """The session ends at once, for its connections too; nobody else's does."""
    ann, bob = await guest("Ann"), await guest("Bob")
    heard.clear()

    await sign_out(database, bus, ann.token)

    assert await authenticate(database, ann.token) is None
    assert await authenticate(database, bob.token) == bob.user
    assert heard == [SessionRevoked(digest_token(ann.token).hex())]


async def test_unknown_token_is_no_error(database, bus, guest, heard) -> None:
    """Signing out of what isn't there does nothing: neither is anything written, nor anybody told."""
    ann = await guest("Ann")
    await sign_out(database, bus, ann.token)
    heard.clear()
    await database.close()
    for token in ("unknown", ann.token):
        await sign_out(database, bus, token)

    assert heard == []
