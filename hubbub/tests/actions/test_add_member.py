"""Making someone a member."""

from __future__ import annotations

import json

from hubbub import wire
from hubbub.actions import add_member as module
from hubbub.actions.add_member import add_member
from hubbub.actions.create_room import create_room
from hubbub.actions.invite import invite
from hubbub.actions.join_room import join_room
from hubbub.domain.models import Marks, Role, Room, Visibility
from hubbub.domain.policies import ROOMS
from hubbub.storage import marks, rooms


async def test_newcomer_has_read_their_coming(database, people, room, say, heard) -> None:
    """Nothing that was there waits for who is taken in, nor does the event that tells of it."""
    await say("owner")
    heard.clear()
    stranger, owner = people["stranger"], people["owner"]
    garden = Room(room, "garden", "tea")

    await database.write(lambda transaction: add_member(transaction, garden, stranger, owner, Role.MODERATOR))

    joined, added = heard
    assert (joined.author, json.loads(joined.body)["role"]) == (owner.id, "moderator")
    assert (added.stream, json.loads(added.body)["room"]["id"]) == (stranger.id, room)
    assert await database.read(lambda connection: marks.find(connection, room, stranger.id)) == Marks(
        joined.q, 0, 0
    )
    assert (
        await database.read(lambda connection: rooms.find_role(connection, room, stranger.id))
        is Role.MODERATOR
    )


async def test_nobody_is_everywhere(database, people, room, nonces, code_of, monkeypatch) -> None:
    """Who belongs to as many rooms as one can hear comes to no other, nor is taken into one."""
    monkeypatch.setattr(module, "ROOMS", 1)
    owner, stranger = people["owner"], people["stranger"]
    codes = [
        await code_of(create_room(database, stranger, next(nonces), "shed", "", Visibility.PRIVATE)),
        await code_of(join_room(database, stranger, next(nonces), room)),
        await code_of(invite(database, owner, room, next(nonces), stranger.id)),
    ]
    monkeypatch.setattr(module, "ROOMS", 2)

    assert codes == ["invalid"] * 3
    assert (await join_room(database, stranger, next(nonces), room)).room.id == room
    assert ROOMS + 1 == wire.STREAMS


async def test_invitations_leave_room(database, people, room, nonces, code_of, monkeypatch) -> None:
    """Whoever is asked in everywhere can still go where they want."""
    monkeypatch.setattr(module, "ROOMS", 3)
    owner, stranger = people["owner"], people["stranger"]

    assert await code_of(invite(database, owner, room, next(nonces), stranger.id)) == "invalid"
    assert (await join_room(database, stranger, next(nonces), room)).room.id == room
