"""Ending memberships."""

from __future__ import annotations

import json

from hubbub.actions.end_membership import end_membership
from hubbub.domain.events import MemberChange
from hubbub.storage import rooms
from hubbub.storage.streams import Asked


async def test_end_is_told_to_both(database, people, room, heard) -> None:
    """The room hears who has gone, and the user's own connections which room, and why."""
    owner, member = people["owner"], people["member"]

    await database.write(
        lambda transaction: end_membership(
            transaction, MemberChange.KICK, room, member, owner, Asked("nonce-01")
        )
    )

    gone, removed = heard
    assert (gone.stream, gone.author) == (room, owner.id)
    assert json.loads(gone.body) == {"op": "kick", "user": {"id": member.id, "name": "member"}}
    assert (removed.stream, removed.kind) == (member.id, "room.rm")
    assert json.loads(removed.body) == {"room": room, "why": "kick"}
    assert await database.read(lambda connection: rooms.find_role(connection, room, member.id)) is None
