"""Making someone a member."""

from __future__ import annotations

import json

from hubbub.actions.add_member import add_member
from hubbub.domain.models import Marks, Role, Room
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
