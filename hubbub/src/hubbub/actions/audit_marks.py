"""Counting anew what waits for people, in case that what is kept of it is ever wrong."""

from __future__ import annotations

import logging
from functools import partial

from hubbub.storage import marks, rooms
from hubbub.storage.database import Database

log = logging.getLogger(__name__)


async def audit_marks(database: Database) -> int:
    """Return how many members' marks are wrong; the log says in which rooms.

    Each room is read by itself, so that no reading keeps the database from tidying up for long.

    Raises:
        ChatError: if the database fails meanwhile.
    """
    wrong, after = 0, ""
    while True:
        page = await database.read(partial(rooms.list_all, after=after))
        for room_id in page:
            found = await database.read(partial(marks.recount, room=room_id))
            if found:
                log.error("the marks of %d members of %s are wrong", len(found), room_id)
                wrong += len(found)
        if not page:
            return wrong
        after = page[-1]
