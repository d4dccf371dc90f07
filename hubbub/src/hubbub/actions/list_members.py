"""Seeing who belongs to a room."""

from __future__ import annotations

from typing import NamedTuple

from hubbub.domain.models import Role, User
from hubbub.domain.policies import MEMBERS_PAGE, limit_page
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


class Members(NamedTuple):
    """A page of members and what they are; `next` is what the next page comes after, if there is one."""

    members: list[tuple[User, Role]]
    next: str | None


async def list_members(
    database: Database, user: User, room_id: str, after: str = "", limit: int = MEMBERS_PAGE
) -> Members:
    """Return members and what they are, by id, beginning after an id; a limit that is too high is lowered.

    Raises:
        ChatError: that of `rooms.refusal`, for a room that the user doesn't belong to.
    """
    limit = limit_page(limit, MEMBERS_PAGE)

    async def look(connection: Connection) -> list[tuple[User, Role]]:
        await rooms.require_role(connection, room_id, user.id)
        # One more than is wanted tells whether there are more.
        return await rooms.list_members(connection, room_id, after, limit + 1)

    found = await database.read(look)
    return Members(found[:limit], found[limit - 1][0].id if len(found) > limit else None)
