"""Finding out who someone is."""

from __future__ import annotations

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.domain.policies import SESSION_LIFETIME


async def test_token_is_its_users(database, guest) -> None:
    """A token finds its user; any other finds nobody."""
    ann = await guest("Ann")

    assert await authenticate(database, ann.token) == ann.user
    assert await authenticate(database, ann.token + "x") is None
    assert await authenticate(database, "") is None


async def test_token_expires(database, guest, wall_clock) -> None:
    """When a session's time is over, its token finds nobody."""
    ann = await guest("Ann")
    wall_clock.now += SESSION_LIFETIME * 1000

    assert await authenticate(database, ann.token) is None


def test_digest_hides_the_token() -> None:
    """What is kept of a token doesn't contain it."""
    assert b"secret" not in digest_token("secret")
    assert digest_token("secret") != digest_token("secreT")
