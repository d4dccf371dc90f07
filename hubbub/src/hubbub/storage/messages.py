"""Queries about messages: what the events of a room add up to.

Posting is done for many at once, since every statement costs a journey to the database's thread: a batch of
any size is seven statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Select, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MessagePosted, StoredEvent
from hubbub.domain.models import Message, Posted
from hubbub.storage import rooms, streams
from hubbub.storage.engine import select_pairs
from hubbub.storage.streams import Known, NewEvent
from hubbub.storage.tables import messages

# What the wire puts around a text; an estimate from above.
_ENVELOPE = 240


@dataclass(frozen=True, slots=True)
class Post:
    """A message that someone wants to be stored in a room."""

    room: str
    author: str
    message: MessagePosted

    @property
    def key(self) -> tuple[str, str]:
        """What is unique for ever."""
        return self.author, self.message.nonce

    def as_event(self) -> NewEvent:
        """Return the event that it becomes."""
        return NewEvent(self.room, self.author, self.message, self.message.nonce)


async def post_all(
    connection: AsyncConnection, posts: Sequence[Post], now: int
) -> tuple[list[Posted | ChatError], list[StoredEvent]]:
    """Store messages in this order, and say for each where it is, or why it is nowhere.

    One that was stored before under the same nonce stays where it is.  One that is refused (`not_found`,
    `nonce_reuse`, `invalid`) doesn't keep the others from being stored.
    """
    known = await streams.find_nonces(connection, {post.key for post in posts})
    members = await rooms.select_members(connection, {(post.room, post.author) for post in posts})
    targets = await _select_targets(connection, posts)
    accepted: dict[tuple[str, str], Post] = {}
    refused: dict[int, ChatError] = {}
    for index, post in enumerate(posts):
        if post.key in known or post.key in accepted:
            continue
        if (post.room, post.author) not in members:
            refused[index] = ChatError(Code.NOT_FOUND)
        elif post.message.reply_to is not None and (post.room, post.message.reply_to) not in targets:
            refused[index] = ChatError(Code.INVALID, "There is no message to reply to.")
        else:
            accepted[post.key] = post
    stored = await streams.append(connection, [post.as_event() for post in accepted.values()], now)
    await _fold(connection, list(accepted.values()), stored)
    known |= {key: Known.of(event) for key, event in zip(accepted, stored, strict=True)}
    outcomes = [
        refused.get(index) or _outcome(post, known[post.key], dup=accepted.get(post.key) is not post)
        for index, post in enumerate(posts)
    ]
    return outcomes, stored


def _outcome(post: Post, known: Known, *, dup: bool) -> Posted | ChatError:
    if dup and known.body_hash != post.as_event().body_hash():
        return ChatError(Code.NONCE_REUSE)
    return Posted(known.q, known.ts, dup)


_TARGETS = select(messages.c.stream, messages.c.q)


async def _select_targets(connection: AsyncConnection, posts: Sequence[Post]) -> set[tuple[str, int]]:
    wanted = {(post.room, post.message.reply_to) for post in posts if post.message.reply_to is not None}
    rows = await select_pairs(connection, _TARGETS, messages.c.stream, messages.c.q, wanted)
    return {(row.stream, row.q) for row in rows}


async def _fold(connection: AsyncConnection, posts: Sequence[Post], stored: Sequence[StoredEvent]) -> None:
    rows = [
        {
            "stream": event.stream,
            "q": event.q,
            "rev": event.q,
            "ts": event.ts,
            "author": event.author,
            "nonce": post.message.nonce,
            "text": post.message.text,
            "reply_to": post.message.reply_to,
        }
        for post, event in zip(posts, stored, strict=True)
    ]
    if rows:
        await connection.execute(insert(messages), rows)


class Excerpt(NamedTuple):
    """Messages in ascending order; `more` says whether there are more where they come from."""

    messages: list[Message]
    more: bool


async def read_before(connection: AsyncConnection, room: str, q: int, limit: int, size: int) -> Excerpt:
    """Return the last messages with a number under `q`: so many, or so few that they take `size` bytes."""
    query = _select(room).where(messages.c.q < q).order_by(messages.c.q.desc())
    page = await _read(connection, query, limit, size)
    return Excerpt(page.messages[::-1], page.more)


async def read_from(connection: AsyncConnection, room: str, q: int, limit: int, size: int) -> Excerpt:
    """Return the first messages with a number of `q` or more, with the same limits."""
    query = _select(room).where(messages.c.q >= q).order_by(messages.c.q)
    return await _read(connection, query, limit, size)


_Query = Select[int, int, int, str, str, str, int | None]


def _select(room: str) -> _Query:
    return select(
        messages.c.q,
        messages.c.rev,
        messages.c.ts,
        messages.c.author,
        messages.c.nonce,
        messages.c.text,
        messages.c.reply_to,
    ).where(messages.c.stream == room)


async def _read(connection: AsyncConnection, query: _Query, limit: int, size: int) -> Excerpt:
    # One more than is wanted tells whether there are more.
    rows = (await connection.execute(query.limit(limit + 1))).all()
    page: list[Message] = []
    for row in rows[:limit]:
        size -= len(row.text.encode()) + _ENVELOPE
        # However long a message is, a page has at least one, or nobody would get past it.
        if size < 0 and page:
            break
        page.append(Message(*row))
    return Excerpt(page, len(page) < len(rows))
