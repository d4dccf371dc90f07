"""Seeing who is kept out of a room."""

from __future__ import annotations

from typing import NamedTuple

from hubbub.domain.models import Ban, User
from hubbub.domain.permissions import check_moderates
from hubbub.domain.policies import MEMBERS_PAGE, limit_page
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


class Bans(NamedTuple):
    """A page of bans; `next` is what the next page comes after, if there is one."""

    bans: list[Ban]
    next: str | None


async def list_bans(
    database: Database, user: User, room_id: str, after: str = "", limit: int = MEMBERS_PAGE
) -> Bans:
    """Return who is kept out of a room, by id, beginning after an id; a limit that is too high is lowered.

    Raises:
        ChatError: `forbidden` for who doesn't keep order there, and that of `rooms.refusal`, for a room that
            the user doesn't belong to.
    """
    limit = limit_page(limit, MEMBERS_PAGE)

    async def look(connection: Connection) -> list[Ban]:
        check_moderates(await rooms.require_role(connection, room_id, user.id))
        # One more than is wanted tells whether there are more.
        return await rooms.list_bans(connection, room_id, after, limit + 1)

    found = await database.read(look)
    return Bans(found[:limit], found[limit - 1].user.id if len(found) > limit else None)
