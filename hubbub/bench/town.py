"""The people and rooms that the chat is measured with: who they are, where they belong, how they get stored.

Everything about them follows from numbers, so that programs that are told the same numbers agree.  It doesn't
know what they do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Table, insert

from hubbub.domain.models import Role, Visibility
from hubbub.storage.engine import Engines
from hubbub.storage.migrate import migrate
from hubbub.storage.tables import memberships, rooms, sessions, streams, users

#: When everything began, and when sessions end, in milliseconds since 1970.
EPOCH = 1_700_000_000_000
FOREVER = 4_000_000_000_000
#: Rows that are given to the database at a time.
CHUNK = 5_000

Row = dict[str, Any]


def token(person: int) -> str:
    """Return what someone signs in by."""
    return f"token-of-{person:06d}"


def user_id(person: int) -> str:
    """Return someone's id."""
    return f"u_{person:06d}"


def room_id(room: int) -> str:
    """Return a room's id."""
    return f"r_{room:06d}"


class Town(NamedTuple):
    """So many people, each in so many rooms, each of which has so many members.

    The rooms are of as many classes as each has rooms, and in every class each is in one.  No two people who
    share a room of one class need share one of another.
    """

    people: int
    each: int
    size: int

    @property
    def rooms_of_a_class(self) -> int:
        """How many rooms a class has."""
        return max(1, self.people // self.size)

    @property
    def rooms(self) -> int:
        """How many rooms there are."""
        return self.each * self.rooms_of_a_class

    def rooms_of(self, person: int) -> list[str]:
        """Return where someone belongs: one room of every class."""
        count = self.rooms_of_a_class
        row, column = divmod(person, count)
        return [room_id(number * count + (column + number * row) % count) for number in range(self.each)]


async def settle(engines: Engines, town: Town, now: int) -> None:
    """Put everyone into a new database, signed in and in their rooms, in which nothing was said yet."""
    await migrate(engines)
    async with engines.writing.begin() as connection:
        for table, rows in _tables(town, now):
            while chunk := list(islice(rows, CHUNK)):
                await connection.execute(insert(table), chunk)


def _tables(town: Town, now: int) -> Sequence[tuple[Table, Iterator[Row]]]:
    people = range(town.people)
    return [
        (users, map(_user, people)),
        (sessions, (_session(person, now) for person in people)),
        (rooms, map(_room, range(town.rooms))),
        (streams, (_stream(user_id(person)) for person in people)),
        (streams, (_stream(room_id(room)) for room in range(town.rooms))),
        (memberships, (_membership(person, room) for person in people for room in town.rooms_of(person))),
    ]


def _user(person: int) -> Row:
    return {
        "id": user_id(person),
        "name": f"Person {person}",
        "kind": "guest",
        "created": EPOCH,
        "username": None,
        "password": None,
    }


def _session(person: int, now: int) -> Row:
    return {
        "digest": hashlib.sha256(token(person).encode()).digest(),
        "user": user_id(person),
        "created": EPOCH,
        "expires": FOREVER,
        "id": f"session-{person:06d}",
        "label": "",
        "seen": now,
    }


def _room(room: int) -> Row:
    return {
        "id": room_id(room),
        "name": f"Room {room}",
        "topic": "",
        "created": EPOCH,
        "visibility": Visibility.PUBLIC,
    }


def _stream(stream: str) -> Row:
    return {"id": stream, "epoch": EPOCH, "head": 0, "counted": 0, "changed": EPOCH}


def _membership(person: int, room: str) -> Row:
    return {
        "room": room,
        "user": user_id(person),
        "joined": EPOCH,
        "role": Role.MEMBER,
        "read": 0,
        "read_ord": 0,
        "mentions": 0,
    }
