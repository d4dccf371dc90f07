"""Reading every event of a stream, page by page, however old."""

from __future__ import annotations

from dataclasses import dataclass

from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Head, User
from hubbub.domain.policies import LOG_BYTES, LOG_PAGE, limit_page
from hubbub.storage import rooms, streams, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


@dataclass(frozen=True, slots=True)
class LogPage:
    """Events in the order of their numbers; `more` says whether there are further ones.

    `head` is how far the stream has come, `names` has every author's.  What was asked for up to `gone` isn't
    there any more, if that isn't 0, or isn't for the user to see: inboxes forget, and rooms may show their
    members only what has happened since they came.
    """

    head: Head
    events: list[StoredEvent]
    more: bool
    names: dict[str, str]
    gone: int = 0


async def read_log(database: Database, user: User, stream: str, after: int, limit: int = LOG_PAGE) -> LogPage:
    """Read the events that follow a number; a limit that is too high is lowered.

    Raises:
        ChatError: for a stream that isn't the user's, see `rooms.refusal`.
    """

    async def look(connection: Connection) -> LogPage:
        since = 0
        if stream != user.id:
            since = (await rooms.require_standing(connection, stream, user.id)).sight.since
        [head] = await streams.read_heads(connection, [stream])
        events, more = await streams.read_page(
            connection, stream, max(after, since - 1), limit_page(limit, LOG_PAGE), LOG_BYTES
        )
        names = await users.names(connection, {event.author for event in events})
        gone = events[0].q - 1 if events and events[0].q > after + 1 else 0
        return LogPage(head, events, more, names, gone)

    return await database.read(look)
