"""Making accounts."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.authenticate import authenticate
from hubbub.actions.log_in import log_in
from hubbub.actions.register import register
from hubbub.domain.errors import ChatError
from hubbub.domain.models import LOBBY
from hubbub.storage import rooms, users


async def test_account_is_made(database, passwords, heard) -> None:
    """A new account is signed in, is in the lobby, and is stored without its password."""
    user, token = await register(database, passwords, "Ann.Lee", "correct horse")

    assert (user.name, user.kind) == ("Ann.Lee", "account")
    assert await authenticate(database, token) == user
    assert await database.read(lambda connection: rooms.list_ids(connection, user.id)) == [LOBBY]
    account = await database.read(lambda connection: users.find_account(connection, "ann.lee"))
    assert account.user == user
    assert "correct" not in account.password
    assert [event.stream for event in heard] == [LOBBY, user.id]


async def test_account_has_a_name(database, passwords) -> None:
    """The name that is shown may be another than the one to sign in by."""
    user, _ = await register(database, passwords, "ann", "correct horse", " 小林 ")

    assert user.name == "小林"


async def test_username_is_taken_once(database, passwords, bus, code_of) -> None:
    """Of two who want the same username, however written, also at once, one gets it."""
    outcomes = await asyncio.gather(
        *(register(database, passwords, name, "correct horse") for name in ("ann", "Ａnn")),
        return_exceptions=True,
    )

    [refused] = [each for each in outcomes if isinstance(each, ChatError)]
    assert (refused.code, str(refused)) == ("invalid", "This username is taken.")
    assert await code_of(register(database, passwords, "ANN", "battery staple")) == "invalid"
    await log_in(database, bus, passwords, "ann", "correct horse")


@pytest.mark.parametrize(
    "username,password,name",
    [("a", "correct horse", None), ("ann", "short", None), ("ann", "correct horse", "\u202e")],
)
async def test_bad_account_is_refused(database, passwords, heard, code_of, username, password, name) -> None:
    """What can't be a username, a password or a name makes nobody."""
    assert await code_of(register(database, passwords, username, password, name)) == "invalid"
    assert heard == []
