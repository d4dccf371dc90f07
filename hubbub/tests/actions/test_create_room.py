"""Making rooms."""

from __future__ import annotations

import json

from hubbub.actions.create_room import create_room
from hubbub.domain.models import Marks, Membership, Role, Room, Visibility


async def test_maker_owns_the_room(database, people, heard) -> None:
    """A new room has its maker as its owner, and the maker's connections hear of it."""
    heard.clear()
    owner = people["owner"]

    made = await create_room(database, owner, "nonce-01", " 书友会 ", "tea", Visibility.PRIVATE)

    room = Room(made.room.id, "书友会", "tea", Visibility.PRIVATE)
    assert made == Membership(room, Role.OWNER, Marks(1, 0, 0))
    joined, added = heard
    assert (joined.stream, joined.q, joined.kind, joined.author) == (room.id, 1, "member", owner.id)
    assert json.loads(joined.body)["role"] == "owner"
    assert (added.stream, added.kind) == (owner.id, "room.add")


async def test_repeat_is_the_same_room(database, people, heard) -> None:
    """Asked twice under one nonce there is one room; under two nonces there are two."""
    made = [
        await create_room(database, people["owner"], nonce, "garden", "", Visibility.PUBLIC)
        for nonce in ("nonce-01", "nonce-01", "nonce-02")
    ]

    assert made[0] == made[1]
    assert made[0].room.id != made[2].room.id
    assert len([event for event in heard if event.stream == made[0].room.id]) == 1


async def test_nonce_is_for_one_room(database, people, code_of) -> None:
    """The nonce of a room isn't good for another, nor for another's."""

    async def make(name: str, title: str, visibility: Visibility) -> str:
        return (await create_room(database, people[name], "nonce-01", title, "", visibility)).room.id

    first = await make("owner", "garden", Visibility.PUBLIC)

    assert await code_of(make("owner", "attic", Visibility.PUBLIC)) == "nonce_reuse"
    assert await code_of(make("owner", "garden", Visibility.PRIVATE)) == "nonce_reuse"
    assert await make("member", "garden", Visibility.PUBLIC) != first


async def test_strange_room_is_refused(database, people, heard, code_of) -> None:
    """What can't be a name, a topic or a nonce makes no room."""
    heard.clear()

    for nonce, name, topic in (("short", "a", ""), ("nonce-01", " ", ""), ("nonce-01", "a", "b\u202ec")):
        making = create_room(database, people["owner"], nonce, name, topic, Visibility.PUBLIC)
        assert await code_of(making) == "invalid"
    assert heard == []
