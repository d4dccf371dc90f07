"""Reading what a message has said over time."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.domain.policies import HISTORY_BYTES, VERSIONS
from hubbub.storage import messages, rooms
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said from some event on."""

    q: int
    ts: int
    text: str


async def read_versions(database: Database, user: User, room_id: str, q: int) -> tuple[list[Version], bool]:
    """Return the last texts of a message, the oldest first, and whether there were more before them.

    A message that was deleted has none.

    Raises:
        ChatError: `not_found`, and that of `rooms.refusal` for a room that the user doesn't belong to.
    """

    async def look(connection: Connection) -> tuple[list[Version], bool]:
        standing = await rooms.require_standing(connection, room_id, user.id)
        message = await messages.find(connection, standing.sight, q)
        if message is None:
            raise ChatError(Code.NOT_FOUND)
        if message.deleted is not None:
            return [], False
        events, more = await messages.read_versions(connection, room_id, q, VERSIONS, HISTORY_BYTES)
        return [Version(event.q, event.ts, json.loads(event.body)["text"]) for event in events], more

    return await database.read(look)
