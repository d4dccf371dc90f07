"""Seeing who belongs to a room."""

from __future__ import annotations

from hubbub.domain.models import Role, User
from hubbub.domain.policies import MEMBERS_PAGE, limit_page
from hubbub.storage import rooms
from hubbub.storage.database import Database


async def list_members(
    database: Database, user: User, room_id: str, after: str = "", limit: int = MEMBERS_PAGE
) -> list[tuple[User, Role]]:
    """Return members and what they are, by id, beginning after an id; a limit that is too high is lowered.

    Raises:
        ChatError: `not_found`, also for a room that the user doesn't belong to.
    """
    async with database.read() as connection:
        await rooms.require_role(connection, room_id, user.id)
        return await rooms.list_members(connection, room_id, after, limit_page(limit, MEMBERS_PAGE))
