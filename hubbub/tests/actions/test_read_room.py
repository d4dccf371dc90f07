"""Showing people their rooms."""

from __future__ import annotations

from hubbub.actions.read_room import read_room
from hubbub.domain.models import Marks, Membership, Role, Room


async def test_room_is_shown_as_member_has_it(database, people, room, say) -> None:
    """A member sees the room, their role, and what waits for them."""
    q = await say("owner", f"<@{people['moderator'].id}>")

    shown = await read_room(database, people["moderator"], room)

    garden = Room(room, "garden", "tea")
    assert (shown.room, shown.role) == (garden, Role.MODERATOR)
    assert (shown.marks.unread, shown.marks.mentions) == (1, 1)
    assert await read_room(database, people["owner"], room) == Membership(garden, Role.OWNER, Marks(q, 0, 0))


async def test_strange_room_is_closed(database, people, room, code_of) -> None:
    """What one could enter is told from what one can't know of."""
    assert await code_of(read_room(database, people["stranger"], room)) == "not_member"
    assert await code_of(read_room(database, people["stranger"], "r_nowhere")) == "not_found"
