"""Taking people into rooms."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.change_room import change_room
from hubbub.actions.invite import invite
from hubbub.actions.remove_member import ban
from hubbub.domain.models import Role, Visibility
from hubbub.storage import rooms


@pytest.mark.parametrize(
    "who,code",
    [("owner", None), ("moderator", None), ("member", "forbidden"), ("stranger", "not_found")],
)
async def test_private_room_takes_in_who_is_asked(database, people, room, heard, code_of, who, code) -> None:
    """Who keeps order there may take people into a private room."""
    await change_room(database, people["owner"], room, "nonce-00", visibility=Visibility.PRIVATE)
    heard.clear()
    inviting = invite(database, people[who], room, "nonce-01", people["stranger"].id)

    if code is not None:
        assert await code_of(inviting) == code
        assert heard == []
        return
    await inviting
    joined, added = heard
    assert (joined.author, json.loads(joined.body)["user"]["name"]) == (people[who].id, "stranger")
    assert (added.stream, added.kind) == (people["stranger"].id, "room.add")


async def test_member_stays_what_they_are(database, people, room, heard) -> None:
    """Inviting a member changes nothing for them."""
    await invite(database, people["moderator"], room, "nonce-01", people["owner"].id)

    assert [(event.stream, event.kind) for event in heard] == [(room, "member")]
    assert (
        await database.read(lambda connection: rooms.find_role(connection, room, people["owner"].id))
        is Role.OWNER
    )


async def test_repeat_invites_once(database, people, room, heard) -> None:
    """The same request again does nothing."""
    first = await invite(database, people["owner"], room, "nonce-01", people["stranger"].id)
    again = await invite(database, people["owner"], room, "nonce-01", people["stranger"].id)

    assert (again.q, again.dup) == (first.q, True)
    assert len(heard) == 2


async def test_banned_and_missing_are_refused(database, people, room, code_of) -> None:
    """Who is banned must be let in again first; who isn't there can't be."""
    owner, stranger = people["owner"], people["stranger"]
    await ban(database, owner, room, "nonce-00", stranger.id)

    assert await code_of(invite(database, owner, room, "nonce-01", stranger.id)) == "banned"
    assert await code_of(invite(database, owner, room, "nonce-02", "u_nobody")) == "not_found"
