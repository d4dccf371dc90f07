"""Looking for rooms to join."""

from __future__ import annotations

from typing import NamedTuple

from hubbub.domain.models import User
from hubbub.domain.policies import ROOMS_PAGE, limit_page
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.rooms import Listed


class Directory(NamedTuple):
    """A page of rooms; `next` is what the next page comes after, if there is one."""

    rooms: list[Listed]
    next: str | None


async def list_rooms(
    database: Database, user: User, after: str = "", limit: int = ROOMS_PAGE, *, archived: bool = False
) -> Directory:
    """Return public rooms by name, beginning after the room with an id; or those that were archived.

    A limit that is too high is lowered.
    """
    limit = limit_page(limit, ROOMS_PAGE)
    # One more than is wanted tells whether there are more.
    found = await database.read(
        lambda connection: rooms.list_public(connection, user.id, after, limit + 1, archived=archived)
    )
    return Directory(found[:limit], found[limit - 1].room.id if len(found) > limit else None)
