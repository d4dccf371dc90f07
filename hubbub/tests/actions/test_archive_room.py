"""Closing rooms, and opening them again."""

from __future__ import annotations

import pytest

from hubbub.actions.archive_room import archive_room
from hubbub.actions.change_room import change_room
from hubbub.actions.edit_message import edit_message
from hubbub.actions.invite import invite
from hubbub.actions.list_rooms import list_rooms
from hubbub.actions.post_message import post_message
from hubbub.actions.read_room import read_room


@pytest.mark.parametrize(
    "who,code", [("moderator", "forbidden"), ("member", "forbidden"), ("stranger", "not_member")]
)
async def test_owners_archive(database, people, room, heard, code_of, who, code) -> None:
    """Only an owner archives a room, or brings it back."""
    for on in (True, False):
        assert await code_of(archive_room(database, people[who], room, "nonce-01", on=on)) == code
    assert heard == []


async def test_archived_room_is_read_only(database, people, room, say, nonces, code_of, wall_clock) -> None:
    """In an archived room nothing is written, changed or begun, until it is brought back."""
    owner = people["owner"]
    q = await say("owner")
    await archive_room(database, owner, room, next(nonces), on=True)

    assert (await read_room(database, owner, room)).room.archived == wall_clock.now
    for doing in (
        post_message(database, owner, room, next(nonces), "hi"),
        edit_message(database, owner, room, next(nonces), q, "ho"),
        change_room(database, owner, room, next(nonces), topic="x"),
        invite(database, owner, room, next(nonces), people["stranger"].id),
    ):
        assert await code_of(doing) == "archived"
    await archive_room(database, owner, room, next(nonces), on=False)
    await say("member")


async def test_archived_rooms_are_listed_apart(database, people, room, nonces) -> None:
    """The directory has archived rooms only for who asks for them."""
    before = await list_rooms(database, people["stranger"])
    await archive_room(database, people["owner"], room, next(nonces), on=True)

    async def listed(**options: bool) -> set[str]:
        return {each.room.id for each in (await list_rooms(database, people["stranger"], **options)).rooms}

    assert room in {each.room.id for each in before.rooms}
    assert room not in await listed()
    assert await listed(archived=True) == {room}
