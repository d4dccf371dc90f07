"""The queries about rooms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Marks, Membership, Role, Room, Sight, Standing, User, Visibility
from hubbub.storage import rooms
from hubbub.storage.rooms import Listed

Say = Callable[..., Awaitable[int]]

GARDEN = Room("r_garden", "garden", "")


async def test_room_is_found(connection: AsyncConnection) -> None:
    """A room is found by its id."""
    assert await rooms.find(connection, "r_garden") == GARDEN
    assert await rooms.find(connection, "r_nowhere") is None


async def test_room_is_its_members(connection: AsyncConnection) -> None:
    """A room that one doesn't belong to looks like one that isn't there."""
    assert await rooms.find_for_member(connection, "r_garden", "u_ann") == Membership(
        GARDEN, Role.MEMBER, Marks(0, 0, 0)
    )
    assert await rooms.find_for_member(connection, "r_attic", "u_ann") is None
    assert await rooms.find_for_member(connection, "r_nowhere", "u_ann") is None


async def test_rooms_are_listed_by_joining(connection: AsyncConnection) -> None:
    """Someone's rooms come in the order in which they joined them."""
    await rooms.add_member(connection, "r_attic", "u_bob", 1)

    listed = await rooms.list_for_member(connection, "u_bob")
    assert [membership.room.id for membership in listed] == ["r_attic", "r_garden"]
    assert await rooms.list_for_member(connection, "u_nobody") == []
    assert await rooms.list_ids(connection, "u_bob") == ["r_attic", "r_garden"]


async def test_members_are_selected(connection: AsyncConnection) -> None:
    """Of pairs of room and user, those of members are returned."""
    pairs = [("r_garden", "u_ann"), ("r_garden", "u_nobody"), ("r_attic", "u_ann"), ("r_nowhere", "u_ann")]

    standing = Standing(Role.MEMBER, Sight("r_garden"))
    assert await rooms.select_standings(connection, pairs) == {("r_garden", "u_ann"): standing}
    assert await rooms.select_standings(connection, []) == {}


async def test_newcomer_has_read_everything(connection: AsyncConnection, say: Say) -> None:
    """For who joins, nothing waits; what comes later does."""
    await rooms.remove_member(connection, "r_garden", "u_bob")
    await say("before")
    await rooms.add_member(connection, "r_garden", "u_bob", 1, Role.MODERATOR)
    first = await rooms.find_for_member(connection, "r_garden", "u_bob")
    await say("after")
    second = await rooms.find_for_member(connection, "r_garden", "u_bob")

    assert first == Membership(GARDEN, Role.MODERATOR, Marks(1, 0, 0))
    assert second == Membership(GARDEN, Role.MODERATOR, Marks(1, 1, 0))


async def test_room_is_changed(connection: AsyncConnection) -> None:
    """A room has the name, topic and visibility that it was given last."""
    changed = Room("r_garden", "yard", "tea", Visibility.PRIVATE)
    await rooms.change(connection, changed)

    assert await rooms.find(connection, "r_garden") == changed
    assert await rooms.find(connection, "r_attic") == Room("r_attic", "attic", "")


async def test_public_rooms_are_listed(connection: AsyncConnection) -> None:
    """The directory has public rooms by name, with how many are there, page by page."""
    attic = Room("r_attic", "attic", "")
    same = Room("r_other", "attic", "another")
    await rooms.add(connection, same, 1)
    await rooms.add(connection, Room("r_secret", "b", "", Visibility.PRIVATE), 1)
    listed = [Listed(attic, 0, False), Listed(same, 0, False), Listed(GARDEN, 2, True)]

    assert await rooms.list_public(connection, "u_ann", "", 10) == listed
    assert await rooms.list_public(connection, "u_ann", "r_attic", 1) == listed[1:2]
    assert await rooms.list_public(connection, "u_ann", "r_other", 10) == listed[2:]
    assert await rooms.list_public(connection, "u_ann", "r_garden", 10) == []
    assert await rooms.list_public(connection, "u_ann", "r_nowhere", 10) == []


async def test_members_have_roles(connection: AsyncConnection) -> None:
    """A member is a member until they are made something else; who isn't one is nothing."""
    await rooms.set_role(connection, "r_garden", "u_ann", Role.OWNER)

    assert await rooms.find_role(connection, "r_garden", "u_ann") is Role.OWNER
    assert await rooms.find_role(connection, "r_garden", "u_bob") is Role.MEMBER
    assert await rooms.find_role(connection, "r_attic", "u_ann") is None
    assert await rooms.count_members(connection, "r_garden") == {Role.OWNER: 1, Role.MEMBER: 1}
    assert await rooms.count_members(connection, "r_attic") == {}


async def test_members_are_listed(connection: AsyncConnection) -> None:
    """Members come by id, page by page, with what they are."""
    ann, bob = (User(f"u_{name.lower()}", name, "guest") for name in ("Ann", "Bob"))

    assert await rooms.list_members(connection, "r_garden", "", 1) == [(ann, Role.MEMBER)]
    assert await rooms.list_members(connection, "r_garden", ann.id, 9) == [(bob, Role.MEMBER)]
    assert await rooms.list_members(connection, "r_attic", "", 9) == []


async def test_ban_is_for_one_room(connection: AsyncConnection) -> None:
    """Who is banned is banned there, until it is taken back; twice is once."""
    for _ in range(2):
        await rooms.ban(connection, "r_garden", "u_bob", "u_ann", 5)
    banned = [await rooms.is_banned(connection, room, "u_bob") for room in ("r_garden", "r_attic")]
    await rooms.unban(connection, "r_garden", "u_bob")

    assert banned == [True, False]
    assert not await rooms.is_banned(connection, "r_garden", "u_bob")


async def test_all_rooms_are_listed(connection: AsyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every room comes once, page by page, whoever may see it."""
    await rooms.change(connection, Room("r_attic", "attic", "", Visibility.PRIVATE))
    assert await rooms.list_all(connection, "") == ["r_attic", "r_garden"]
    monkeypatch.setattr(rooms, "PAGE", 1)

    assert await rooms.list_all(connection, "") == ["r_attic"]
    assert await rooms.list_all(connection, "r_attic") == ["r_garden"]
    assert await rooms.list_all(connection, "r_garden") == []
