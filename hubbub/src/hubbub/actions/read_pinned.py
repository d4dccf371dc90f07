"""Reading what is pinned to a room."""

from __future__ import annotations

from hubbub.actions.read_history import HistoryPage
from hubbub.domain.models import User
from hubbub.domain.policies import HISTORY_BYTES, PINS
from hubbub.storage import messages, rooms, streams, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


async def read_pinned(database: Database, user: User, room_id: str) -> HistoryPage:
    """Read the messages that are pinned, the last pinned first; there may be more than are read.

    Raises:
        ChatError: that of `rooms.refusal`, for a room that the user doesn't belong to.
    """

    async def look(connection: Connection) -> HistoryPage:
        sight = (await rooms.require_standing(connection, room_id, user.id)).sight
        [head] = await streams.read_heads(connection, [room_id])
        page = await messages.read_pinned(connection, sight, PINS, HISTORY_BYTES)
        names = await users.names(connection, {message.author for message in page.messages})
        return HistoryPage(page.messages, head.q, page.more, names)

    return await database.read(look)
