"""Reading the end of a room, for everyone who comes back to it soon."""

from __future__ import annotations

from dataclasses import dataclass

from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Head
from hubbub.storage import rooms, streams, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


@dataclass(frozen=True, slots=True)
class Tail:
    """A room's last events up to the head, their authors' names, and who belongs to the room then."""

    head: Head
    events: list[StoredEvent]
    names: dict[str, str]
    members: frozenset[str]


async def read_tail(database: Database, room: str, events: int, size: int, members: int) -> Tail | None:
    """Read as many of the last events, and as many as take `size` bytes, in one transaction.

    There is none for a room that doesn't exist.  Of one that more than so many members belong to, or in which
    not everyone sees all, it says that nobody does, and nothing else.  Whoever is told of a tail must be one
    of its members.

    Raises:
        ChatError: if the database fails.
    """

    async def look(connection: Connection) -> Tail | None:
        heads = await streams.read_heads(connection, [room])
        if not heads:
            return None
        [head] = heads
        belong = await rooms.list_member_ids(connection, room, members + 1)
        if len(belong) > members or not await rooms.shows_all(connection, room):
            return Tail(head, [], {}, frozenset())
        last = await streams.read_last(connection, room, head.q, events, size)
        names = await users.names(connection, {event.author for event in last})
        return Tail(head, last, names, frozenset(belong))

    return await database.read(look)
