"""Talking to certain people: to one, to a few, or only to oneself."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hubbub.actions.add_member import add_member
from hubbub.actions.do_once import do_once
from hubbub.actions.read_room import read_room
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, MemberChanged, StoredEvent
from hubbub.domain.models import History, Kind, Membership, Room, User, Visibility, new_room_id
from hubbub.domain.policies import GROUP_PEOPLE, check_nonce
from hubbub.storage import blocks, rooms, streams, users
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def open_talk(database: Database, user: User, nonce: str, others: Collection[str]) -> Membership:
    """Return the room in which a user talks to these people; with nobody else it is their notes.

    Two people have one such room, whoever opens it and however often, and everyone has one for notes.  Of
    several people there is a new one for each nonce, and who is added later sees what is said from then on.

    Raises:
        ChatError: `invalid` for too many, `not_found` for who isn't there, `forbidden` where one blocks
            another, and those of `add_member` and `do_once`.
    """
    check_nonce(nonce)
    wanted = [each for each in dict.fromkeys(others) if each != user.id]
    if len(wanted) >= GROUP_PEOPLE:
        raise ChatError(Code.INVALID, f"At most {GROUP_PEOPLE} people talk like this; make a room.")
    pair = ":".join(sorted([user.id, *wanted])) if len(wanted) <= 1 else None
    if pair is not None and (known := await database.read(lambda c: rooms.find_pair(c, pair))):
        return await read_room(database, user, known)

    async def change(transaction: Transaction, asked: Asked) -> StoredEvent:
        if pair is not None and (known := await rooms.find_pair(transaction.connection, pair)):
            # The other was faster.
            return await transaction.append(known, user.id, MemberChanged(MemberChange.JOIN, user), asked)
        people = [user, *await _find_all(transaction, user, wanted)]
        return await _begin(transaction, people, pair, asked)

    done = await do_once(database, user, nonce, ["dm.open", *wanted], change)
    return await read_room(database, user, done.room)


async def _find_all(transaction: Transaction, user: User, ids: Sequence[str]) -> list[User]:
    connection = transaction.connection
    found = [await users.find(connection, each) for each in ids]
    people = [each for each in found if each is not None]
    if len(people) < len(ids):
        raise ChatError(Code.NOT_FOUND)
    if await blocks.has_any(connection, ids, [user.id]) or await blocks.has_any(connection, [user.id], ids):
        raise ChatError(Code.FORBIDDEN)
    return people


async def _begin(
    transaction: Transaction, people: Sequence[User], pair: str | None, asked: Asked
) -> StoredEvent:
    by = people[0]
    kind = Kind.GROUP if pair is None else (Kind.NOTES, Kind.DIRECT)[len(people) - 1]
    history = History.JOINED if kind is Kind.GROUP else History.ALL
    room = Room(new_room_id(), "", "", Visibility.PRIVATE, kind, history=history, people=tuple(people))
    await rooms.add(transaction.connection, room, transaction.now, pair)
    await streams.open_stream(transaction.connection, room.id, transaction.now)
    event = await add_member(transaction, room, by, by, asked=asked)
    for each in people[1:]:
        await add_member(transaction, room, each, by)
    return event
