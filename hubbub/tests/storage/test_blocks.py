"""The queries about who wants nothing of whom."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import User
from hubbub.storage import blocks


async def test_block_is_kept_once(connection: AsyncConnection) -> None:
    """Twice is once, it has a direction, and it can be forgotten."""
    for _ in range(2):
        await blocks.put(connection, "u_ann", "u_bob", 1)

    assert await blocks.count(connection, "u_ann") == 1
    assert await blocks.find(connection, "u_ann") == [User("u_bob", "Bob", "guest")]
    assert await blocks.has_any(connection, ["u_ann"], ["u_bob", "u_ann"])
    assert not await blocks.has_any(connection, ["u_bob"], ["u_ann"])
    await blocks.drop(connection, "u_ann", "u_bob")
    assert await blocks.find(connection, "u_ann") == []


async def test_both_are_refused(connection: AsyncConnection) -> None:
    """Where one of two blocks the other, both are refused, and elsewhere neither."""
    pairs = [("r_garden", "u_ann"), ("r_garden", "u_bob"), ("r_attic", "u_ann")]
    assert await blocks.select_refused(connection, pairs) == set()
    await blocks.put(connection, "u_bob", "u_ann", 1)

    assert await blocks.select_refused(connection, pairs) == set(pairs[:2])
    assert await blocks.select_refused(connection, []) == set()
