"""Storing messages: what becomes of posts, many at once.

Every statement costs a journey to the database, or a turn of its thread: a batch of any size is a dozen
statements at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Update, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Mentioned, MessagePosted, StoredEvent
from hubbub.domain.mentions import find_mentions
from hubbub.domain.models import Kind, Posted, Standing, StoredFile
from hubbub.domain.permissions import check_speaks
from hubbub.storage import blocks, files, rooms, streams
from hubbub.storage.engine import execute_each, give, given, select_pairs
from hubbub.storage.streams import Asked, Known, NewEvent, Numbered
from hubbub.storage.tables import memberships, mentions, messages

Pair = tuple[str, str]
"""A room and a user."""

Key = tuple[str, str]
"""An author and a nonce."""


@dataclass(frozen=True, slots=True)
class Post:
    """A message that someone wants to be stored in a room, with these files of theirs."""

    room: str
    author: str
    message: MessagePosted
    files: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """What is unique for ever."""
        return self.author, self.message.nonce

    @property
    def place(self) -> Pair:
        """Where it is written, and by whom."""
        return self.room, self.author

    @property
    def mentioned(self) -> list[Pair]:
        """Whom it speaks of, where they may belong."""
        return [(self.room, user) for user in find_mentions(self.message.text) if user != self.author]

    def as_event(self) -> NewEvent:
        """Return the event that it becomes."""
        return NewEvent(self.room, self.author, self.message, Asked(self.message.nonce, self._request()))

    def _request(self) -> str | None:
        """Return what was asked for, where the event says more: all that is known of its files."""
        if not self.files:
            return None
        asked = replace(self.message, files=()).body()
        return msgspec.json.encode([self.room, self.message.kind, asked, self.files]).decode()

    def with_files(self, unsent: Mapping[str, StoredFile]) -> Post:
        """Return the same, with what is known of its files."""
        if not self.files:
            return self
        told = tuple(unsent[file].attachment for file in self.files)
        return replace(self, message=replace(self.message, files=told))


async def post_all(
    connection: AsyncConnection, posts: Sequence[Post], now: int
) -> tuple[list[Posted | ChatError], list[StoredEvent]]:
    """Store messages in this order, and say for each where it is, or why it is nowhere.

    One that was stored before under the same nonce stays where it is.  One that is refused (`not_found`,
    `not_member`, `forbidden`, `archived`, `read_only`, `nonce_reuse`, `invalid`, `upload_missing`) doesn't
    keep the others from being stored.
    """
    known = await streams.find_nonces(connection, {post.key for post in posts})
    pairs = {post.place for post in posts}.union(*(post.mentioned for post in posts))
    members = await rooms.select_standings(connection, pairs)
    blocked = await _select_blocked(connection, posts, members)
    public = await rooms.select_public(connection, {post.room for post in posts if post.place not in members})
    targets = await _select_targets(connection, posts)
    unsent = await _select_unsent(connection, posts)
    claimed: set[str] = set()
    accepted: dict[Key, Post] = {}
    refused: dict[int, ChatError] = {}
    for index, post in enumerate(posts):
        if post.key in known or post.key in accepted:
            continue
        reason = _refusal(post, members, public, targets, blocked) or _refuse_files(post, unsent, claimed)
        if reason is not None:
            refused[index] = reason
        else:
            accepted[post.key] = post
            claimed.update(post.files)
    new = [post.with_files(unsent) for post in accepted.values()]
    numbered = await streams.append(connection, [post.as_event() for post in new], now)
    brought_about = await _fold(connection, new, numbered, members, now)
    stored = [event for event, _ in numbered]
    placed = {key: (accepted[key], event) for key, event in zip(accepted, stored, strict=True)}
    outcomes = [refused.get(index) or _outcome(post, known, placed) for index, post in enumerate(posts)]
    return outcomes, stored + brought_about


def _refusal(
    post: Post,
    members: Mapping[Pair, Standing],
    public: set[str],
    targets: Mapping[tuple[str, int], int | None],
    blocked: set[Pair],
) -> ChatError | None:
    reply_to, thread = post.message.reply_to, post.message.thread
    standing = members.get(post.place)
    if standing is None:
        return ChatError(Code.NOT_MEMBER if post.room in public else Code.NOT_FOUND)
    if post.place in blocked:
        return ChatError(Code.FORBIDDEN)
    try:
        check_speaks(standing, in_thread=thread is not None)
    except ChatError as reason:
        return reason
    since = standing.sight.since
    if reply_to is not None and (reply_to < since or (post.room, reply_to) not in targets):
        return ChatError(Code.INVALID, "There is no message to reply to.")
    if thread is not None and (thread < since or targets.get((post.room, thread), thread) is not None):
        return ChatError(Code.INVALID, "There is no message that could have this thread.")
    return None


async def _select_blocked(
    connection: AsyncConnection, posts: Sequence[Post], members: Mapping[Pair, Standing]
) -> set[Pair]:
    """Return where in direct rooms one of the two wants nothing of the other."""
    places = {post.place for post in posts if post.place in members}
    return await blocks.select_refused(
        connection, [place for place in places if members[place].kind is Kind.DIRECT]
    )


def _refuse_files(post: Post, unsent: Mapping[str, StoredFile], claimed: set[str]) -> ChatError | None:
    """Refuse files that aren't the author's, of another room, in another message, or said twice."""
    free = (
        file in unsent
        and file not in claimed
        and (unsent[file].owner, unsent[file].room) == (post.author, post.room)
        for file in post.files
    )
    if all(free) and len(set(post.files)) == len(post.files):
        return None
    return ChatError(Code.UPLOAD_MISSING)


def _outcome(
    post: Post, known: Mapping[Key, Known], placed: Mapping[Key, tuple[Post, StoredEvent]]
) -> Posted | ChatError:
    if post.key in placed:
        first, event = placed[post.key]
        return Posted(event.q, event.ts, first is not post) if first == post else ChatError(Code.NONCE_REUSE)
    before = known[post.key]
    if before.body_hash != post.as_event().body_hash():
        return ChatError(Code.NONCE_REUSE)
    return Posted(before.q, before.ts, dup=True)


_TARGETS = select(messages.c.stream, messages.c.q, messages.c.thread)


async def _select_targets(
    connection: AsyncConnection, posts: Sequence[Post]
) -> dict[tuple[str, int], int | None]:
    """Return the messages that posts answer, and whose thread each of them belongs to."""
    wanted = {
        (post.room, q)
        for post in posts
        for q in (post.message.reply_to, post.message.thread)
        if q is not None
    }
    rows = await select_pairs(connection, _TARGETS, messages.c.stream, messages.c.q, wanted)
    return {(row.stream, row.q): row.thread for row in rows}


async def _select_unsent(connection: AsyncConnection, posts: Sequence[Post]) -> dict[str, StoredFile]:
    wanted = {file for post in posts for file in post.files}
    return await files.select_unsent(connection, wanted) if wanted else {}


async def _fold(
    connection: AsyncConnection,
    posts: Sequence[Post],
    numbered: Sequence[Numbered],
    members: Collection[Pair],
    now: int,
) -> list[StoredEvent]:
    """Store what the events add up to; return those that they bring about."""
    if not posts:
        return []
    rows = [_row(post, each) for post, each in zip(posts, numbered, strict=True)]
    await execute_each(connection, _INSERT, rows)
    await _claim_files(connection, posts, numbered)
    await _count_replies(connection, posts, numbered)
    read = await _mark_read(connection, posts, numbered)
    return await _mention(connection, posts, numbered, members, read, now)


_INSERT: Final = insert(messages)


def _row(post: Post, numbered: Numbered) -> dict[str, object]:
    event, ord_ = numbered
    return {
        "stream": event.stream,
        "q": event.q,
        "rev": event.q,
        "ts": event.ts,
        "author": event.author,
        "nonce": post.message.nonce,
        "text": post.message.text,
        "reply_to": post.message.reply_to,
        "thread": post.message.thread,
        "ord": ord_,
        "said": event.q,
        "replies": 0,
        "files": files.encode(post.message.files),
    }


async def _claim_files(
    connection: AsyncConnection, posts: Sequence[Post], numbered: Sequence[Numbered]
) -> None:
    claims = [
        (file, event.q) for post, (event, _) in zip(posts, numbered, strict=True) for file in post.files
    ]
    if claims:
        await files.claim(connection, claims)


_COUNT_REPLY = (
    update(messages)
    .where(messages.c.stream == bindparam("room"), messages.c.q == bindparam("root"))
    .values(replies=messages.c.replies + 1, rev=bindparam("by"))
)


async def _count_replies(
    connection: AsyncConnection, posts: Sequence[Post], numbered: Sequence[Numbered]
) -> None:
    replies = [
        {"room": post.room, "root": post.message.thread, "by": event.q}
        for post, (event, _) in zip(posts, numbered, strict=True)
        if post.message.thread is not None
    ]
    if replies:
        await connection.execute(_COUNT_REPLY, replies)


@cache
def _mark(dialect: str) -> Update:
    of = memberships.c
    room, user, up_to, ord_ = given(dialect, of.room, of.user, of.read, of.read_ord)
    return (
        update(memberships)
        .where(of.room == room, of.user == user)
        .values(read=up_to, read_ord=ord_, mentions=0)
    )


async def _mark_read(
    connection: AsyncConnection, posts: Sequence[Post], numbered: Sequence[Numbered]
) -> dict[Pair, int]:
    """Let who writes to a room have read it up to there."""
    last = {post.place: each for post, each in zip(posts, numbered, strict=True) if post.message.counts}
    if last:
        marks = [(*pair, event.q, ord_) for pair, (event, ord_) in last.items()]
        await connection.execute(_mark(connection.dialect.name), give(connection, marks))
    return {pair: each.event.q for pair, each in last.items()}


_COUNT_MENTIONS = (
    update(memberships)
    .where(memberships.c.room == bindparam("in_room"), memberships.c.user == bindparam("of_user"))
    .values(mentions=memberships.c.mentions + bindparam("more"))
)


async def _mention(
    connection: AsyncConnection,
    posts: Sequence[Post],
    numbered: Sequence[Numbered],
    members: Collection[Pair],
    read: Mapping[Pair, int],
    now: int,
) -> list[StoredEvent]:
    """Tell members who are spoken of; return the events of their inboxes."""
    found = [
        (pair, event)
        for post, (event, _) in zip(posts, numbered, strict=True)
        for pair in post.mentioned
        if pair in members
    ]
    if not found:
        return []
    await connection.execute(
        insert(mentions), [{"stream": room, "user": user, "q": event.q} for (room, user), event in found]
    )
    waiting = Counter(pair for pair, event in found if event.q > read.get(pair, 0))
    if waiting:
        counts = [{"in_room": room, "of_user": user, "more": more} for (room, user), more in waiting.items()]
        await connection.execute(_COUNT_MENTIONS, counts)
    new = [NewEvent(user, event.author, Mentioned(room, event.q)) for (room, user), event in found]
    return [event for event, _ in await streams.append(connection, new, now)]
