"""Turning pages in a room's history."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from hubbub.domain.models import Message, User
from hubbub.domain.policies import HISTORY_BYTES, HISTORY_PAGE, limit_page
from hubbub.storage import messages, rooms, streams, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection

NOTHING: Final = messages.Excerpt([], more=False)


class Side(Enum):
    """Which messages are wanted, seen from one of them."""

    BEFORE = auto()
    AFTER = auto()
    AROUND = auto()


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Messages in ascending order, as they were when the stream's head was `asof`.

    `more` says whether there are further ones on a side that was asked for; `names` has every author's.
    """

    messages: list[Message]
    asof: int
    more: bool
    names: dict[str, str]


async def read_history(
    database: Database, user: User, room_id: str, side: Side, q: int, limit: int
) -> HistoryPage:
    """Read a page of a room's messages; a limit that is too high is lowered.

    Raises:
        ChatError: that of `rooms.refusal`, for a room that the user doesn't belong to.
    """
    limit = limit_page(limit, HISTORY_PAGE)
    sides = 2 if side is Side.AROUND else 1
    older_limit = {Side.BEFORE: limit, Side.AFTER: 0, Side.AROUND: limit // 2}[side]
    size = HISTORY_BYTES // sides
    newer_q = q + 1 if side is Side.AFTER else q

    async def look(connection: Connection) -> HistoryPage:
        older = newer = NOTHING
        sight = (await rooms.require_standing(connection, room_id, user.id)).sight
        [head] = await streams.read_heads(connection, [room_id])
        if older_limit:
            older = await messages.read_before(connection, sight, q, older_limit, size)
        if limit > older_limit:
            newer = await messages.read_from(connection, sight, newer_q, limit - older_limit, size)
        found = older.messages + newer.messages
        names = await users.names(connection, {message.author for message in found})
        return HistoryPage(found, head.q, older.more or newer.more, names)

    return await database.read(look)
