"""Making an administrator from outside."""

from __future__ import annotations

from hubbub.actions.authenticate import authenticate
from hubbub.actions.change_settings import read_settings
from hubbub.actions.log_in import log_in
from hubbub.actions.make_administrator import make_administrator
from hubbub.storage import users


async def test_new_administrator_signs_in(database, bus, passwords, code_of) -> None:
    """Whoever is made so has an account, and the rights."""
    assert await make_administrator(database, passwords, "Boss", "correct horse")

    await read_settings(database, (await log_in(database, bus, passwords, "boss", "correct horse")).user)
    assert await code_of(make_administrator(database, passwords, "bess", "short")) == "invalid"


async def test_known_account_is_taken_back(database, bus, passwords, ann) -> None:
    """Who is there already gets the password and the rights, is let back in, and signs in anew."""
    await database.write(lambda transaction: users.set_disabled(transaction.connection, ann.user.id, 1))

    assert not await make_administrator(database, passwords, "ann", "battery staple")

    again = await log_in(database, bus, passwords, "ann", "battery staple")
    assert again.user == ann.user
    await read_settings(database, again.user)
    assert await authenticate(database, ann.token) is None
