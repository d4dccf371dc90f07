"""Giving roles."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.give_role import give_role
from hubbub.domain.models import Role
from hubbub.storage import rooms


async def test_role_is_told(database, people, room, heard) -> None:
    """The room hears who is what."""
    given = await give_role(database, people["owner"], room, "nonce-01", people["member"].id, Role.MODERATOR)

    [event] = heard
    assert (event.stream, event.q) == (room, given.q)
    body = json.loads(event.body)
    assert (body["op"], body["user"]["name"], body["role"]) == ("role", "member", "moderator")
    assert (
        await database.read(lambda connection: rooms.find_role(connection, room, people["member"].id))
        is Role.MODERATOR
    )


@pytest.mark.parametrize(
    "who,code", [("moderator", "forbidden"), ("member", "forbidden"), ("stranger", "not_member")]
)
async def test_only_owners_give_roles(database, people, room, heard, code_of, who, code) -> None:
    """Nobody else can, least of all to themselves."""
    for number, whom in enumerate((who, "member", "stranger")):
        giving = give_role(database, people[who], room, f"nonce-{number:02}", people[whom].id, Role.OWNER)
        assert await code_of(giving) == code
    assert heard == []


async def test_only_members_get_roles(database, people, room, code_of) -> None:
    """Who isn't a member can't be more."""
    for number, other in enumerate((people["stranger"].id, "u_nobody")):
        giving = give_role(database, people["owner"], room, f"nonce-{number:02}", other, Role.MEMBER)
        assert await code_of(giving) == "not_found"


async def test_only_owner_stays_one(database, people, room, code_of) -> None:
    """The only owner can't step down before there is another; of two, either can."""
    owner, member = people["owner"], people["member"]
    stepping_down = give_role(database, owner, room, "nonce-01", owner.id, Role.MEMBER)
    assert await code_of(stepping_down) == "invalid"

    await give_role(database, owner, room, "nonce-02", owner.id, Role.OWNER)
    await give_role(database, owner, room, "nonce-03", member.id, Role.OWNER)
    await give_role(database, owner, room, "nonce-01", owner.id, Role.MEMBER)

    assert await database.read(lambda connection: rooms.count_members(connection, room)) == {
        Role.OWNER: 1,
        Role.MODERATOR: 1,
        Role.MEMBER: 1,
    }


async def test_repeat_gives_once(database, people, room) -> None:
    """The same request again doesn't undo what came later."""
    owner, member = people["owner"], people["member"]
    first = await give_role(database, owner, room, "nonce-01", member.id, Role.MODERATOR)
    await give_role(database, owner, room, "nonce-02", member.id, Role.MEMBER)
    again = await give_role(database, owner, room, "nonce-01", member.id, Role.MODERATOR)

    assert (again.q, again.dup) == (first.q, True)
    assert await database.read(lambda connection: rooms.find_role(connection, room, member.id)) is Role.MEMBER
