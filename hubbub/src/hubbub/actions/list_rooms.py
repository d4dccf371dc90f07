"""Looking for rooms to join."""

from __future__ import annotations

from hubbub.domain.models import User
from hubbub.domain.policies import ROOMS_PAGE, limit_page
from hubbub.storage import rooms
from hubbub.storage.database import Database


async def list_rooms(
    database: Database, user: User, after: str = "", limit: int = ROOMS_PAGE
) -> list[rooms.Listed]:
    """Return public rooms by name, beginning after the room with an id.

    A limit that is too high is lowered.
    """
    async with database.read() as connection:
        return await rooms.list_public(connection, user.id, after, limit_page(limit, ROOMS_PAGE))
