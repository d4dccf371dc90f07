"""Leaving rooms."""

from __future__ import annotations

from hubbub.actions.give_role import give_role
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.post_message import post_message
from hubbub.actions.sync_stream import sync_stream
from hubbub.domain.models import Role
from hubbub.storage import rooms


async def test_who_leaves_has_gone(database, people, room, heard, code_of) -> None:
    """After leaving there is nothing to read or to write before one joins again."""
    member = people["member"]

    left = await leave_room(database, member, room, "nonce-01")

    assert [(event.stream, event.kind) for event in heard] == [(room, "member"), (member.id, "room.rm")]
    assert (left.q, left.dup) == (heard[0].q, False)
    assert await code_of(sync_stream(database, member, room, None)) == "not_member"
    assert await code_of(post_message(database, member, room, "nonce-02", "hi")) == "not_member"
    assert await code_of(leave_room(database, member, room, "nonce-03")) == "not_member"


async def test_repeat_is_answered_alike(database, people, room, heard) -> None:
    """The same request again finds what was done, even from outside, and after coming back."""
    member = people["member"]
    left = await leave_room(database, member, room, "nonce-01")
    again = [await leave_room(database, member, room, "nonce-01")]
    await join_room(database, member, "nonce-02", room)
    again.append(await leave_room(database, member, room, "nonce-01"))

    assert [(each.q, each.ts, each.dup) for each in again] == [(left.q, left.ts, True)] * 2
    assert await database.read(lambda connection: rooms.find_role(connection, room, member.id)) is Role.MEMBER


async def test_only_owner_stays(database, people, room, code_of) -> None:
    """The only owner can't leave the others alone, but can go when another owns the room, or none is left."""
    owner, moderator, member = (people[name] for name in ("owner", "moderator", "member"))
    assert await code_of(leave_room(database, owner, room, "nonce-01")) == "invalid"

    await give_role(database, owner, room, "nonce-02", member.id, Role.OWNER)
    await leave_room(database, owner, room, "nonce-01")
    await leave_room(database, moderator, room, "nonce-03")
    await leave_room(database, member, room, "nonce-04")

    assert await database.read(lambda connection: rooms.count_members(connection, room)) == {}
