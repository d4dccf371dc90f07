"""Queries about streams and their events; the only place where numbers are given.

Invariants:

1. In each stream `q` is 1, 2, 3 ... without holes, in the order of commits: the head is raised, and so
   locked, in the transaction that stores the events.
2. `(author, nonce)` is unique for ever.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from hubbub.domain.events import (
    Event,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Pinned,
    Reacted,
    StoredEvent,
)
from hubbub.domain.models import Head
from hubbub.storage.engine import execute_each, give, given, select_pairs
from hubbub.storage.tables import events, memberships, streams, users

# What the wire puts around a body; an estimate from above, for the bound on deltas.
_ENVELOPE = 160


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is known by.

    `request` is what was asked for, where the event that comes of it doesn't say just that: a new room has
    an id that nobody asked for.
    """

    nonce: str
    request: str | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that has no number yet; one that was nobody's single request wasn't `asked` for."""

    stream: str
    author: str
    event: Event
    asked: Asked | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a message that is unread to who hasn't read it."""
        return isinstance(self.event, MessagePosted) and self.event.counts

    @property
    def target(self) -> int | None:
        """The message that it changes."""
        match self.event:
            case MessageEdited() | MessageDeleted() | Reacted() | Pinned():
                return self.event.message
        return None

    def body(self) -> str:
        """Return the body as JSON."""
        return msgspec.json.encode(self.event.body()).decode()

    def body_hash(self) -> bytes:
        """Return what tells two requests with the same nonce apart."""
        if self.asked is not None and self.asked.request is not None:
            return hash_request(self.asked.request)
        return _hash(f"{self.stream}\n{self.event.kind}\n{self.body()}")


class Numbered(NamedTuple):
    """An event that is stored, and how many messages that count its stream has had by then."""

    event: StoredEvent
    ord: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored under a nonce."""

    stream: str
    q: int
    ts: int
    body_hash: bytes


def hash_request(request: str) -> bytes:
    """Return what is kept of a request that is known by its nonce."""
    return _hash(f"\n{request}")


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def open_stream(connection: AsyncConnection, stream: str, epoch: int) -> None:
    """Begin a stream, with nothing in it."""
    await connection.execute(insert(streams).values(id=stream, epoch=epoch, head=0, counted=0, changed=epoch))


async def write_nothing(connection: AsyncConnection) -> None:
    """Change something, so that the commit has something to write, and change it back."""
    await open_stream(connection, "", 0)
    await connection.execute(delete(streams).where(streams.c.id == ""))


async def append(connection: AsyncConnection, new: Sequence[NewEvent], now: int) -> list[Numbered]:
    """Number and store events, in this order.

    Raises:
        LookupError: if there is no such stream.
    """
    if not new:
        return []
    last = await _take_numbers(connection, new, now)
    stored, rows = [], []
    for each in new:
        q, ord_ = last[each.stream]
        q, ord_ = last[each.stream] = q + 1, ord_ + each.counts
        event = StoredEvent(each.stream, q, each.event.kind, now, each.author, each.body())
        stored.append(Numbered(event, ord_))
        rows.append(_row(event, each))
    await execute_each(connection, _INSERT, rows)
    return stored


_INSERT: Final = insert(events)


@functools.cache
def _raise_heads(dialect: str) -> ReturningUpdate[*tuple[str, int, int]]:
    stream, more, messages = given(dialect, streams.c.id, streams.c.head, streams.c.counted)
    return (
        update(streams)
        .where(streams.c.id == stream)
        .values(head=streams.c.head + more, counted=streams.c.counted + messages, changed=bindparam("now"))
        .returning(streams.c.id, streams.c.head, streams.c.counted)
    )


async def _take_numbers(
    connection: AsyncConnection, new: Sequence[NewEvent], now: int
) -> dict[str, tuple[int, int]]:
    """Raise the heads of the streams; return what each had before: its head, and the messages that count."""
    counts = Counter(each.stream for each in new)
    messages = Counter(each.stream for each in new if each.counts)
    taken = [(stream, count, messages[stream]) for stream, count in counts.items()]
    rows = await connection.execute(
        _raise_heads(connection.dialect.name), {**give(connection, taken), "now": now}
    )
    last = {row.id: (row.head - counts[row.id], row.counted - messages[row.id]) for row in rows}
    if len(last) != len(counts):
        raise LookupError(f"no such streams among {', '.join(counts)}")
    return last


def _row(event: StoredEvent, new: NewEvent) -> dict[str, object]:
    return {
        "stream": event.stream,
        "q": event.q,
        "kind": event.kind,
        "ts": event.ts,
        "author": event.author,
        "nonce": None if new.asked is None else new.asked.nonce,
        "body": event.body,
        "size": len(event.body.encode()) + _ENVELOPE,
        "body_hash": new.body_hash(),
        "target": new.target,
    }


_NONCES = select(
    events.c.author, events.c.nonce, events.c.stream, events.c.q, events.c.ts, events.c.body_hash
)


async def find_nonces(
    connection: AsyncConnection, pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Known]:
    """Return what is stored under those of the pairs (author, nonce) that were used before."""
    rows = await select_pairs(connection, _NONCES, events.c.author, events.c.nonce, pairs)
    return {(row.author, row.nonce): Known(row.stream, row.q, row.ts, row.body_hash) for row in rows}


async def read_heads(connection: AsyncConnection, ids: Iterable[str]) -> list[Head]:
    """Return the heads of those of the streams that exist."""
    rows = await connection.execute(
        select(streams.c.id, streams.c.epoch, streams.c.head).where(streams.c.id.in_(list(ids))),
    )
    return [Head(row.id, row.epoch, row.head) for row in rows]


async def read_member_heads(connection: AsyncConnection, user_id: str) -> list[Head]:
    """Return the heads of the user's inbox and of every room that the user belongs to."""
    own = select(memberships.c.room).where(memberships.c.user == user_id)
    rows = await connection.execute(
        select(streams.c.id, streams.c.epoch, streams.c.head).where(
            (streams.c.id == user_id) | streams.c.id.in_(own)
        ),
    )
    return [Head(row.id, row.epoch, row.head) for row in rows]


async def measure_after(connection: AsyncConnection, stream: str, q: int) -> int:
    """Return the bytes that all events after `q` take on the wire, at most."""
    size = await connection.scalar(
        select(func.coalesce(func.sum(events.c.size), 0)).where(events.c.stream == stream, events.c.q > q),
    )
    return int(size or 0)


async def read_after(
    connection: AsyncConnection, stream: str, q: int, limit: int | None = None
) -> list[StoredEvent]:
    """Return all events after `q`, or the first of them."""
    rows = await connection.execute(
        select(events.c.q, events.c.kind, events.c.ts, events.c.author, events.c.body)
        .where(events.c.stream == stream, events.c.q > q)
        .order_by(events.c.q)
        .limit(limit),
    )
    return [StoredEvent(stream, row.q, row.kind, row.ts, row.author, row.body) for row in rows]


async def read_page(
    connection: AsyncConnection, stream: str, q: int, limit: int, size: int
) -> tuple[list[StoredEvent], bool]:
    """Return the first events after `q`: so many, or so few that they take `size` bytes; but one at least.

    With them comes whether there are more.
    """
    sizes = await connection.scalars(
        select(events.c.size)
        .where(events.c.stream == stream, events.c.q > q)
        .order_by(events.c.q)
        .limit(limit + 1)
    )
    # One more than is wanted tells whether there are more.
    found = list(sizes)
    page = await read_after(connection, stream, q, count_fitting(found[:limit], size))
    return page, len(page) < len(found)


async def read_last(
    connection: AsyncConnection, stream: str, head: int, limit: int, size: int
) -> list[StoredEvent]:
    """Return the last events up to the head: so many, or so few that they take `size` bytes."""
    sizes = await connection.scalars(
        select(events.c.size)
        .where(events.c.stream == stream, events.c.q > head - limit)
        .order_by(events.c.q.desc())
    )
    fitting = sum(total <= size for total in accumulate(sizes))
    return await read_after(connection, stream, head - fitting)


def count_fitting(sizes: Sequence[int], size: int) -> int:
    """Return how many of the sizes, from the first, fit into one; but one at least."""
    return max(1, sum(total <= size for total in accumulate(sizes)))


async def forget_bodies(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Empty the bodies of events; number, kind, author, nonce and the body's hash remain."""
    await connection.execute(
        update(events).where(which).values(body="{}", size=2 + _ENVELOPE),
    )


# What inboxes forget


PAGE: Final = 1_000


async def list_inboxes(connection: AsyncConnection, after: str, longer: int) -> list[str]:
    """Return inboxes whose heads are beyond a number, by id after one; so many that there may be more."""
    rows = await connection.scalars(
        select(streams.c.id)
        .where(streams.c.id > after, streams.c.head > longer, _is_inbox())
        .order_by(streams.c.id)
        .limit(PAGE)
    )
    return list(rows)


def _is_inbox() -> ColumnElement[bool]:
    return exists().where(users.c.id == streams.c.id)


async def find_stale(
    connection: AsyncConnection, stream: str, least: int, most: int, before: int
) -> tuple[int, int]:
    """Return the first event that is there, and the last that needn't be; the first is higher if all need be.

    The last `least` events need be there, none but the last `most`, and others unless they are from `before`.
    """
    of_stream = events.c.stream == stream
    head = select(streams.c.head).where(streams.c.id == stream).scalar_subquery()
    old = select(func.max(events.c.q)).where(of_stream, events.c.q <= head - least, events.c.ts < before)
    first = select(func.min(events.c.q)).where(of_stream)
    row = (
        await connection.execute(
            select(
                func.coalesce(first.scalar_subquery(), 1).label("first"),
                func.coalesce(old.scalar_subquery(), 0).label("old"),
                head.label("head"),
            )
        )
    ).one()
    return row.first, max(row.old, row.head - max(least, most))


async def forget_up_to(connection: AsyncConnection, stream: str, q: int) -> None:
    """Forget the first events of a stream, as if they had never been; their numbers aren't given again."""
    await connection.execute(delete(events).where(events.c.stream == stream, events.c.q <= q))


# What a copy of a database is looked at with, and given when it takes the place of another


def select_broken() -> Select[*tuple[str]]:
    """Return the query of streams that don't have just the events that their heads say.

    Of an inbox the first may have been forgotten.
    """
    own = events.c.stream == streams.c.id
    count = select(func.count()).select_from(events).where(own).scalar_subquery()
    last = select(func.coalesce(func.max(events.c.q), 0)).where(own).scalar_subquery()
    first = select(func.coalesce(func.min(events.c.q), 1)).where(own).scalar_subquery()
    forgotten = case((_is_inbox(), first - 1), else_=0)
    return select(streams.c.id).where((count + forgotten != streams.c.head) | (last != streams.c.head))


def renew_epochs(least: int) -> Update:
    """Return what gives every stream a new epoch: `least`, or more if one has had that."""
    before = streams.alias("before")
    highest = func.max(before.c.epoch)
    new = select(case((highest >= least, highest + 1), else_=least)).scalar_subquery()
    return update(streams).values(epoch=new)
