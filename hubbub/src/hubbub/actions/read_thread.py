"""Turning pages in the thread of a message."""

from __future__ import annotations

from hubbub.actions.read_history import HistoryPage
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.domain.policies import HISTORY_BYTES, HISTORY_PAGE, limit_page
from hubbub.storage import messages, rooms, streams, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


async def read_thread(
    database: Database,
    user: User,
    room_id: str,
    root: int,
    before: int | None = None,
    limit: int = HISTORY_PAGE,
) -> HistoryPage:
    """Read the last messages of a thread, or those before one; a limit that is too high is lowered.

    Raises:
        ChatError: `not_found`, and that of `rooms.refusal` for a room that the user doesn't belong to.
    """

    async def look(connection: Connection) -> HistoryPage:
        sight = (await rooms.require_standing(connection, room_id, user.id)).sight
        [head] = await streams.read_heads(connection, [room_id])
        if await messages.find(connection, sight, root) is None:
            raise ChatError(Code.NOT_FOUND)
        end = head.q + 1 if before is None else before
        page = await messages.read_thread(
            connection, sight, root, end, limit_page(limit, HISTORY_PAGE), HISTORY_BYTES
        )
        names = await users.names(connection, {message.author for message in page.messages})
        return HistoryPage(page.messages, head.q, page.more, names)

    return await database.read(look)
