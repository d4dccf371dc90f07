"""The queries about users."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Account, User
from hubbub.storage import users


async def test_names_are_found(connection: AsyncConnection) -> None:
    """Names come by id; who isn't there has none."""
    assert await users.names(connection, ["u_ann", "u_bob", "u_nobody"]) == {"u_ann": "Ann", "u_bob": "Bob"}


async def test_rename_renames_one(connection: AsyncConnection) -> None:
    """Nobody else gets the new name."""
    await users.rename(connection, "u_ann", "Anna")

    assert await users.names(connection, ["u_ann", "u_bob"]) == {"u_ann": "Anna", "u_bob": "Bob"}


async def test_user_is_found(connection: AsyncConnection) -> None:
    """A user is found by their id."""
    assert await users.find(connection, "u_ann") == User("u_ann", "Ann", "guest")
    assert await users.find(connection, "u_nobody") is None


async def test_account_is_found_by_username(connection: AsyncConnection) -> None:
    """An account is found by what it signs in by, and by its id; a guest has none."""
    eve = User("u_eve", "Eve", "account", "eve")
    await users.add(connection, eve, 1, "#secret")

    assert await users.find_account(connection, "eve") == Account(eve, "#secret", False)
    assert await users.find_own_account(connection, "u_eve") == Account(eve, "#secret", False)
    assert await users.find_account(connection, "Eve") is None
    assert await users.find_own_account(connection, "u_ann") is None


async def test_username_is_one_users(connection: AsyncConnection) -> None:
    """Two users can't have the same username; any number can have none."""
    await users.add(connection, User("u_eve", "Eve", "account", "eve"), 1, "#secret")

    with pytest.raises(IntegrityError):
        await users.add(connection, User("u_eva", "Eva", "account", "eve"), 1, "#secret")


async def test_password_is_replaced(connection: AsyncConnection) -> None:
    """A new password takes the place of the old one, for its account alone."""
    for name in ("eve", "joe"):
        await users.add(connection, User(f"u_{name}", name, "account", name), 1, "#old")
    await users.set_password(connection, "u_eve", "#new")

    found = [await users.find_account(connection, name) for name in ("eve", "joe")]
    assert [account and account.password for account in found] == ["#new", "#old"]
