"""The queries about users."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.storage import users


async def test_names_are_found(connection: AsyncConnection) -> None:
    """Names come by id; who isn't there has none."""
    assert await users.names(connection, ["u_ann", "u_bob", "u_nobody"]) == {"u_ann": "Ann", "u_bob": "Bob"}


async def test_rename_renames_one(connection: AsyncConnection) -> None:
    """Nobody else gets the new name."""
    await users.rename(connection, "u_ann", "Anna")

    assert await users.names(connection, ["u_ann", "u_bob"]) == {"u_ann": "Anna", "u_bob": "Bob"}
