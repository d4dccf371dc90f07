"""Becoming a member of a room."""

from __future__ import annotations

from hubbub.actions.change_room import change_room
from hubbub.actions.join_room import join_room
from hubbub.actions.remove_member import ban, kick, unban
from hubbub.domain.models import LOBBY, Marks, Role, Visibility


async def test_joining_is_told_to_both(database, people, room, heard) -> None:
    """The room hears who joined, and the user's own connections hear of the room."""
    stranger = people["stranger"]

    membership = await join_room(database, stranger, "nonce-01", room)

    assert [(event.stream, event.kind, event.author) for event in heard] == [
        (room, "member", stranger.id),
        (stranger.id, "room.add", stranger.id),
    ]
    assert (membership.room.id, membership.role) == (room, Role.MEMBER)
    assert membership.marks == Marks(heard[0].q, 0, 0)


async def test_repeat_joins_once(database, people, room, heard) -> None:
    """The same request again does nothing, and is answered alike."""
    first = await join_room(database, people["stranger"], "nonce-01", room)
    heard.clear()

    assert await join_room(database, people["stranger"], "nonce-01", room) == first
    assert heard == []


async def test_member_stays_what_they_are(database, people, room, heard) -> None:
    """Who is a member already, and joins, keeps their role; their connections have the room."""
    membership = await join_room(database, people["moderator"], "nonce-01", room)

    assert membership.role is Role.MODERATOR
    assert [(event.stream, event.kind) for event in heard] == [(room, "member")]


async def test_private_room_is_not_found(database, people, room, code_of) -> None:
    """Nobody can join what isn't there, or isn't for them to know; who is in, may."""
    await change_room(database, people["owner"], room, "nonce-00", visibility=Visibility.PRIVATE)

    for number, name in enumerate((room, "r_nowhere", "")):
        joining = join_room(database, people["stranger"], f"nonce-1{number}", name)
        assert await code_of(joining) == "not_found"
    assert (await join_room(database, people["member"], "nonce-20", room)).role is Role.MEMBER


async def test_banned_user_stays_out(database, people, room, code_of) -> None:
    """Who is banned can't come back before they may; from a private room they hear nothing."""
    owner, member = people["owner"], people["member"]
    await ban(database, owner, room, "nonce-00", member.id)
    assert await code_of(join_room(database, member, "nonce-01", room)) == "banned"

    await change_room(database, owner, room, "nonce-02", visibility=Visibility.PRIVATE)
    assert await code_of(join_room(database, member, "nonce-01", room)) == "not_found"

    await change_room(database, owner, room, "nonce-03", visibility=Visibility.PUBLIC)
    await unban(database, owner, room, "nonce-04", member.id)
    assert (await join_room(database, member, "nonce-01", room)).role is Role.MEMBER


async def test_repeat_shows_no_strange_room(database, people, room, code_of) -> None:
    """Who joined and was removed since isn't shown the room when they ask again."""
    await join_room(database, people["stranger"], "nonce-01", room)
    await kick(database, people["owner"], room, "nonce-00", people["stranger"].id)

    assert await code_of(join_room(database, people["stranger"], "nonce-01", room)) == "not_member"


async def test_nonce_is_for_one_room(database, people, room, code_of) -> None:
    """The nonce of one joining isn't good for another."""
    await join_room(database, people["stranger"], "nonce-01", room)

    assert await code_of(join_room(database, people["stranger"], "nonce-01", LOBBY)) == "nonce_reuse"
