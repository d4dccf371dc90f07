"""Queries about messages: what the events of a room add up to.

How messages are posted, `posting` knows.

Invariant: whoever reads messages says how much of the room they see, and gets none that are older.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import MessageEdited, StoredEvent
from hubbub.domain.models import Message, Sight
from hubbub.storage import files, streams
from hubbub.storage.tables import events, messages, reactions

# What the wire puts around a text, and around those who react; an estimate from above.
_ENVELOPE: Final = 320
_ENVELOPE_REACTION: Final = 8

_REACTIONS: Final = 20_000
"""How many reactions are read for a page of several messages: more wouldn't fit into any."""


class Excerpt(NamedTuple):
    """Messages in ascending order; `more` says whether there are more where they come from."""

    messages: list[Message]
    more: bool


async def read_before(connection: AsyncConnection, sight: Sight, q: int, limit: int, size: int) -> Excerpt:
    """Return the last messages with a number under `q`: so many, or so few that they take `size` bytes."""
    return await _read_last(connection, sight, messages.c.q < q, limit, size)


async def read_from(connection: AsyncConnection, sight: Sight, q: int, limit: int, size: int) -> Excerpt:
    """Return the first messages with a number of `q` or more, with the same limits."""
    query = _select(sight).where(messages.c.q >= q).order_by(messages.c.q)
    return await _read(connection, sight, query, limit, size)


async def read_thread(
    connection: AsyncConnection, sight: Sight, root: int, q: int, limit: int, size: int
) -> Excerpt:
    """Return the last messages of a thread with a number under `q`, with the same limits."""
    return await _read_last(connection, sight, (messages.c.thread == root) & (messages.c.q < q), limit, size)


async def read_pinned(connection: AsyncConnection, sight: Sight, limit: int, size: int) -> Excerpt:
    """Return the messages that are pinned, the last pinned first, with the same limits."""
    query = _select(sight).where(messages.c.pinned.is_not(None)).order_by(messages.c.pinned.desc())
    return await _read(connection, sight, query, limit, size)


async def list_pins(connection: AsyncConnection, sight: Sight) -> list[tuple[int, int]]:
    """Return which messages are pinned, and the event that pinned each; the last pinned first."""
    rows = await connection.execute(
        select(messages.c.q, messages.c.pinned)
        .where(_seen(sight), messages.c.pinned.is_not(None))
        .order_by(messages.c.pinned.desc())
    )
    return [(row.q, row.pinned) for row in rows]


async def _read_last(
    connection: AsyncConnection, sight: Sight, condition: ColumnElement[bool], limit: int, size: int
) -> Excerpt:
    query = _select(sight).where(condition).order_by(messages.c.q.desc())
    page = await _read(connection, sight, query, limit, size)
    return Excerpt(page.messages[::-1], page.more)


async def find(connection: AsyncConnection, sight: Sight, q: int) -> Message | None:
    """Return a message, if there is one with this number."""
    page = await _read(connection, sight, _select(sight).where(messages.c.q == q), 1, 0)
    return page.messages[0] if page.messages else None


def _seen(sight: Sight) -> ColumnElement[bool]:
    return (messages.c.stream == sight.room) & (messages.c.q >= sight.since)


def _select(sight: Sight) -> Select[*tuple[Any, ...]]:
    return select(
        messages.c.q,
        messages.c.rev,
        messages.c.ts,
        messages.c.author,
        messages.c.nonce,
        messages.c.text,
        messages.c.reply_to,
        messages.c.thread,
        messages.c.said,
        messages.c.edited,
        messages.c.deleted,
        messages.c.pinned,
        messages.c.replies,
        messages.c.files,
    ).where(_seen(sight))


_Row = Row[*tuple[Any, ...]]


async def _read(
    connection: AsyncConnection, sight: Sight, query: Select[*tuple[Any, ...]], limit: int, size: int
) -> Excerpt:
    # One more than is wanted tells whether there are more.
    rows = (await connection.execute(query.limit(limit + 1))).all()
    page = list(_take_fitting(await _complete(connection, sight.room, rows[:limit]), size))
    return Excerpt(page, len(page) < len(rows))


def _take_fitting(found: Iterable[Message], size: int) -> Iterator[Message]:
    for index, message in enumerate(found):
        size -= len(message.text.encode()) + _ENVELOPE + sum(map(_measure, message.reactions.items()))
        size -= len(files.encode(message.files) or "")
        # However long a message is, a page has at least one, or nobody would get past it.
        if size < 0 and index:
            break
        yield message


def _measure(reaction: tuple[str, Sequence[str]]) -> int:
    emoji, people = reaction
    return len(emoji.encode()) + _ENVELOPE_REACTION + sum(len(user) + 3 for user in people)


async def _complete(connection: AsyncConnection, room: str, page: Sequence[_Row]) -> list[Message]:
    """Make messages of rows: add who reacted to them; where very many did, of the first rows only."""
    if not page:
        return []
    query = (
        select(reactions.c.q, reactions.c.emoji, reactions.c.user)
        .where(reactions.c.stream == room, reactions.c.q.in_([row.q for row in page]))
        .order_by(reactions.c.rev)
    )
    found = (await connection.execute(query.limit(_REACTIONS + 1 if len(page) > 1 else None))).all()
    if len(page) > 1 and len(found) > _REACTIONS:
        return await _complete(connection, room, page[: len(page) // 2])
    by_message: dict[int, dict[str, list[str]]] = {}
    for q, emoji, user in found:
        by_message.setdefault(q, {}).setdefault(emoji, []).append(user)
    return [_make(row, by_message.get(row.q, {})) for row in page]


def _make(row: _Row, reacted: Mapping[str, Sequence[str]]) -> Message:
    known = dict(row._mapping)
    return Message(**known | {"files": files.decode(row.files), "reactions": reacted})


# What events change


async def edit(connection: AsyncConnection, event: StoredEvent, q: int, text: str) -> None:
    """Give a message another text."""
    await _change(connection, event, q, text=text, said=event.q, edited=event.ts)


async def pin(connection: AsyncConnection, event: StoredEvent, q: int, *, on: bool) -> None:
    """Pin a message to its room, or take it down."""
    await _change(connection, event, q, pinned=event.q if on else None)


async def react(connection: AsyncConnection, event: StoredEvent, q: int, emoji: str, *, on: bool) -> None:
    """Store or forget that the event's author reacts to a message by an emoji."""
    key = (
        (reactions.c.stream == event.stream)
        & (reactions.c.q == q)
        & (reactions.c.emoji == emoji)
        & (reactions.c.user == event.author)
    )
    is_there = await connection.scalar(select(func.count()).select_from(reactions).where(key))
    if on and not is_there:
        row = {"stream": event.stream, "q": q, "emoji": emoji, "user": event.author, "rev": event.q}
        await connection.execute(insert(reactions).values(row))
    elif not on:
        await connection.execute(delete(reactions).where(key))
    await _change(connection, event, q)


async def remove(connection: AsyncConnection, event: StoredEvent, message: Message) -> None:
    """Take a message back: forget what it ever said, wherever that is stored, and what was said of it.

    Its files are nobody's from then on.
    """
    await streams.forget_bodies(connection, _gave_text(event.stream, message.q))
    await connection.execute(
        delete(reactions).where(reactions.c.stream == event.stream, reactions.c.q == message.q)
    )
    await _change(connection, event, message.q, text="", deleted=event.ts, pinned=None, files=None)
    if message.files:
        await files.let_go(connection, event.stream, message.q)
    if message.thread is not None:
        await connection.execute(
            update(messages)
            .where(messages.c.stream == event.stream, messages.c.q == message.thread)
            .values(replies=messages.c.replies - 1, rev=event.q)
        )


async def read_versions(
    connection: AsyncConnection, room: str, q: int, limit: int, size: int
) -> tuple[list[StoredEvent], bool]:
    """Return the last events that gave a message its texts, in their order, and whether there are more."""
    query = select(events.c.q, events.c.size).where(_gave_text(room, q))
    found = (await connection.execute(query.order_by(events.c.q.desc()).limit(limit + 1))).all()
    numbers = [row.q for row in found[:limit]]
    fitting = streams.count_fitting([row.size for row in found[:limit]], size)
    rows = await connection.execute(
        select(events.c.q, events.c.kind, events.c.ts, events.c.author, events.c.body)
        .where(events.c.stream == room, events.c.q.in_(numbers[:fitting]))
        .order_by(events.c.q)
    )
    page = [StoredEvent(room, *row) for row in rows]
    return page, len(page) < len(found)


def _gave_text(room: str, q: int) -> ColumnElement[bool]:
    in_room = events.c.stream == room
    is_edit = (events.c.target == q) & (events.c.kind == MessageEdited.kind)
    # The stream is said twice, so that each half is looked up in an index of its own.
    return (in_room & (events.c.q == q)) | (in_room & is_edit)


async def _change(connection: AsyncConnection, event: StoredEvent, q: int, **values: object) -> None:
    await connection.execute(
        update(messages)
        .where(messages.c.stream == event.stream, messages.c.q == q)
        .values(rev=event.q, **values)
    )
