"""Bringing someone's copy of a stream up to date: with what it lacks, or with a fresh copy."""

from __future__ import annotations

from dataclasses import dataclass

from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Head, Membership, Message, Position, User
from hubbub.domain.policies import DELTA_BYTES, DELTA_EVENTS, HISTORY_BYTES, SNAPSHOT_MESSAGES
from hubbub.storage import blocks, messages, own, rooms, streams, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


@dataclass(frozen=True, slots=True)
class Delta:
    """Every event after someone's position, up to the head; `names` has every author's."""

    head: Head
    events: list[StoredEvent]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class RoomSnapshot:
    """A room as it is for one of its members: its last messages in ascending order, and their authors' names.

    `more` says whether there are older messages: how many come depends on how long they are.  `pins` are all
    messages that are pinned, however old, each with the event that pinned it.
    """

    head: Head
    membership: Membership
    messages: list[Message]
    more: bool
    pins: list[tuple[int, int]]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class InboxSnapshot:
    """A user's inbox as it is: the rooms that they belong to, what waits there, and what they keep.

    `own` has that by key, as JSON; `blocked` are those of whom they want nothing.
    """

    head: Head
    memberships: list[Membership]
    own: dict[str, str]
    blocked: list[User]


async def sync_stream(
    database: Database, user: User, stream: str, at: Position | None
) -> Delta | RoomSnapshot | InboxSnapshot:
    """Read what someone lacks who has a stream up to `at`, in one transaction.

    A delta is complete or isn't given: what is too much for one is a snapshot, and so is what has something
    in it that isn't for the user to see.

    Raises:
        ChatError: for a stream that isn't the user's, see `rooms.refusal`.
    """

    async def look(connection: Connection) -> Delta | RoomSnapshot | InboxSnapshot:
        membership = await rooms.find_for_member(connection, stream, user.id)
        if membership is None and stream != user.id:
            raise await rooms.refusal(connection, stream)
        [head] = await streams.read_heads(connection, [stream])
        if (
            at is not None
            and _continues(head, at)
            and (membership is None or at.q >= membership.since - 1)
            and await streams.measure_after(connection, stream, at.q) <= DELTA_BYTES
        ):
            events = await streams.read_after(connection, stream, at.q)
            # Of an inbox the first may have been forgotten.
            if len(events) == head.q - at.q:
                return Delta(head, events, await users.names(connection, {event.author for event in events}))
        if membership is None:
            memberships = await rooms.list_for_member(connection, user.id)
            kept = await own.find(connection, user.id)
            return InboxSnapshot(head, memberships, kept, await blocks.find(connection, user.id))
        sight = membership.sight
        last = await messages.read_before(connection, sight, head.q + 1, SNAPSHOT_MESSAGES, HISTORY_BYTES)
        names = await users.names(connection, {message.author for message in last.messages})
        pins = await messages.list_pins(connection, sight)
        return RoomSnapshot(head, membership, last.messages, last.more, pins, names)

    return await database.read(look)


def _continues(head: Head, at: Position) -> bool:
    return at.epoch == head.epoch and 0 <= head.q - at.q <= DELTA_EVENTS
