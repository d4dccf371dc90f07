"""The queries about rooms."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Room
from hubbub.storage import rooms

GARDEN = Room("r_garden", "garden", "")


async def test_room_is_found(connection: AsyncConnection) -> None:
    """A room is found by its id."""
    assert await rooms.find(connection, "r_garden") == GARDEN
    assert await rooms.find(connection, "r_nowhere") is None


async def test_room_is_its_members(connection: AsyncConnection) -> None:
    """A room that one doesn't belong to looks like one that isn't there."""
    assert await rooms.find_for_member(connection, "r_garden", "u_ann") == GARDEN
    assert await rooms.find_for_member(connection, "r_attic", "u_ann") is None
    assert await rooms.find_for_member(connection, "r_nowhere", "u_ann") is None


async def test_rooms_are_listed_by_joining(connection: AsyncConnection) -> None:
    """Someone's rooms come in the order in which they joined them."""
    await rooms.add_member(connection, "r_attic", "u_bob", 1)

    assert [room.id for room in await rooms.list_for_member(connection, "u_bob")] == ["r_attic", "r_garden"]
    assert await rooms.list_for_member(connection, "u_nobody") == []


async def test_members_are_selected(connection: AsyncConnection) -> None:
    """Of pairs of room and user, those of members are returned."""
    pairs = [("r_garden", "u_ann"), ("r_garden", "u_nobody"), ("r_attic", "u_ann"), ("r_nowhere", "u_ann")]

    assert await rooms.select_members(connection, pairs) == {("r_garden", "u_ann")}
    assert await rooms.select_members(connection, []) == set()
