"""Removing people from rooms, and keeping them out."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.give_role import give_role
from hubbub.actions.join_room import join_room
from hubbub.actions.remove_member import ban, kick, unban
from hubbub.domain.models import Role
from hubbub.storage import rooms

PEOPLE = ("owner", "moderator", "member", "stranger")
# Who may remove whom: with what it ends, by columns owner, moderator, member, stranger.
KICKS = {
    "owner": ("invalid", "ok", "ok", "not_found"),
    "moderator": ("forbidden", "invalid", "ok", "not_found"),
    "member": ("forbidden", "forbidden", "invalid", "forbidden"),
    "stranger": ("not_member", "not_member", "not_member", "invalid"),
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("whom", PEOPLE)
async def test_kicking_is_for_the_higher(database, people, room, heard, code_of, who, whom) -> None:
    """Moderators remove members, owners everybody, nobody themselves."""
    expected = KICKS[who][PEOPLE.index(whom)]
    kicking = kick(database, people[who], room, "nonce-01", people[whom].id)

    if expected != "ok":
        assert await code_of(kicking) == expected
        assert heard == []
        return
    await kicking
    assert [(event.stream, event.kind) for event in heard] == [
        (room, "member"),
        (people[whom].id, "room.rm"),
    ]


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("whom", PEOPLE)
async def test_banning_is_for_the_higher(database, people, room, code_of, who, whom) -> None:
    """The same holds for banning, but for strangers, who can be kept out before they come."""
    expected = KICKS[who][PEOPLE.index(whom)]
    if whom == "stranger" and who in {"owner", "moderator"}:
        expected = "ok"
    banning = ban(database, people[who], room, "nonce-01", people[whom].id)

    if expected != "ok":
        assert await code_of(banning) == expected
        return
    await banning
    assert await database.read(lambda connection: rooms.is_banned(connection, room, people[whom].id))
    assert await database.read(lambda connection: rooms.find_role(connection, room, people[whom].id)) is None


async def test_owner_removes_owner(database, people, room) -> None:
    """Owners may remove each other."""
    owner, moderator = people["owner"], people["moderator"]
    await give_role(database, owner, room, "nonce-01", moderator.id, Role.OWNER)

    await kick(database, moderator, room, "nonce-02", owner.id)

    assert await database.read(lambda connection: rooms.find_role(connection, room, owner.id)) is None


async def test_kicked_user_may_return(database, people, room) -> None:
    """Being kicked is no ban; a repeated kick doesn't remove who has come back."""
    owner, member = people["owner"], people["member"]
    first = await kick(database, owner, room, "nonce-01", member.id)
    await join_room(database, member, "nonce-02", room)
    again = await kick(database, owner, room, "nonce-01", member.id)

    assert (again.q, again.dup) == (first.q, True)
    assert await database.read(lambda connection: rooms.find_role(connection, room, member.id)) is not None


async def test_ban_of_stranger_is_told_to_room(database, people, room, heard) -> None:
    """Who wasn't a member hears nothing of a ban."""
    await ban(database, people["moderator"], room, "nonce-01", people["stranger"].id)

    [event] = heard
    assert (event.stream, json.loads(event.body)["op"]) == (room, "ban")


async def test_ban_is_taken_back(database, people, room, heard, code_of) -> None:
    """Who keeps order may let people in again; a member may not."""
    member = people["member"]
    await ban(database, people["owner"], room, "nonce-01", member.id)
    await ban(database, people["owner"], room, "nonce-02", member.id)
    heard.clear()

    assert await code_of(unban(database, people["stranger"], room, "nonce-03", member.id)) == "not_member"
    await unban(database, people["moderator"], room, "nonce-04", member.id)
    await unban(database, people["moderator"], room, "nonce-05", member.id)

    assert [json.loads(event.body)["op"] for event in heard] == ["unban", "unban"]
    await join_room(database, member, "nonce-06", room)


async def test_nobody_is_not_found(database, people, room, code_of) -> None:
    """Who isn't there can't be removed, banned or let in."""
    for number, remove in enumerate((kick, ban, unban)):
        removing = remove(database, people["owner"], room, f"nonce-0{number}", "u_nobody")
        assert await code_of(removing) == "not_found"
