"""Looking for rooms."""

from __future__ import annotations

from hubbub.actions.change_room import change_room
from hubbub.actions.list_rooms import list_rooms
from hubbub.domain.models import LOBBY, Visibility


async def test_public_rooms_are_listed(database, people, room) -> None:
    """Everybody finds public rooms, page by page, and sees which are theirs."""
    listed, after = await list_rooms(database, people["stranger"], limit=2)
    first = await list_rooms(database, people["stranger"], limit=1)
    rest = await list_rooms(database, people["stranger"], after=room, limit=1)

    assert after is None
    assert [(each.room.id, each.members, each.is_own) for each in listed] == [
        (room, 3, False),
        (LOBBY, 4, True),
    ]
    assert first == (listed[:1], room)
    assert rest == (listed[1:], None)


async def test_private_room_is_not_listed(database, people, room) -> None:
    """Nobody finds a private room, not even who is in it."""
    await change_room(database, people["owner"], room, "nonce-01", visibility=Visibility.PRIVATE)

    for name in ("owner", "stranger"):
        assert [each.room.id for each in (await list_rooms(database, people[name])).rooms] == [LOBBY]


async def test_private_room_shows_no_place(database, people, room) -> None:
    """Between which names a private room's is, only its members can tell; to others it isn't there."""
    await change_room(database, people["owner"], room, "nonce-01", visibility=Visibility.PRIVATE)
    asked = [("stranger", room), ("stranger", "r_nowhere"), ("member", room)]
    found = [(await list_rooms(database, people[name], after=after)).rooms for name, after in asked]

    assert [[each.room.id for each in page] for page in found] == [[], [], [LOBBY]]
