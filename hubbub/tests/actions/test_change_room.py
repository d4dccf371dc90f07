"""Changing rooms."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.change_room import change_room
from hubbub.domain.models import Room, Visibility
from hubbub.storage import rooms


async def test_change_is_told(database, people, room, heard) -> None:
    """The room hears what it is now; what wasn't given stays."""
    changed = await change_room(database, people["moderator"], room, "nonce-01", name=" yard ")
    await change_room(database, people["owner"], room, "nonce-02", topic="", visibility=Visibility.PRIVATE)

    first, second = heard
    assert (first.stream, first.kind, first.q) == (room, "room", changed.q)
    shown = {"id": room, "name": "yard", "topic": "tea", "visibility": "public"}
    assert json.loads(first.body) == {"room": shown}
    assert json.loads(second.body) == {"room": shown | {"topic": "", "visibility": "private"}}
    assert await database.read(lambda connection: rooms.find(connection, room)) == Room(
        room, "yard", "", Visibility.PRIVATE
    )


@pytest.mark.parametrize("who,code", [("member", "forbidden"), ("stranger", "not_member")])
async def test_others_change_nothing(database, people, room, heard, code_of, who, code) -> None:
    """Only who keeps order may."""
    assert await code_of(change_room(database, people[who], room, "nonce-01", name="mine")) == code
    assert heard == []


async def test_strange_name_is_refused(database, people, room, heard, code_of) -> None:
    """What can't be a name or a topic changes nothing."""
    owner = people["owner"]

    assert await code_of(change_room(database, owner, room, "nonce-01", name="")) == "invalid"
    assert await code_of(change_room(database, owner, room, "nonce-01", topic="a\0b")) == "invalid"
    assert heard == []


async def test_repeat_changes_once(database, people, room, code_of) -> None:
    """The same request again doesn't undo what came later; another one isn't the same."""
    owner = people["owner"]
    first = await change_room(database, owner, room, "nonce-01", name="yard")
    await change_room(database, owner, room, "nonce-02", name="park")
    again = await change_room(database, owner, room, "nonce-01", name="yard")

    assert (again.q, again.dup) == (first.q, True)
    assert await database.read(lambda connection: rooms.find(connection, room)) == Room(room, "park", "tea")
    assert await code_of(change_room(database, owner, room, "nonce-01", topic="yard")) == "nonce_reuse"
