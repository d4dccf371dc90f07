"""Finding out why someone isn't let in."""

from __future__ import annotations

from sqlalchemy import update

from hubbub.actions.authenticate import authenticate
from hubbub.actions.check_disabled import is_disabled
from hubbub.domain.policies import SESSION_LIFETIME
from hubbub.storage.tables import users


async def test_only_disabled_users_are_told_so(database, guest, wall_clock) -> None:
    """A good token of a disabled user is told from one that is worth nothing, or no longer anything."""
    ann, bob = await guest("Ann"), await guest("Bob")
    disable = update(users).where(users.c.id == ann.user.id).values(disabled=1)
    await database.write(lambda transaction: transaction.connection.execute(disable))

    assert await authenticate(database, ann.token) is None
    told = [await is_disabled(database, token) for token in (ann.token, bob.token, "wrong", "")]
    wall_clock.now += SESSION_LIFETIME * 1000

    assert told == [True, False, False, False]
    assert not await is_disabled(database, ann.token)
