"""Writes that cross each other over rooms and inboxes, on PostgreSQL, where they could wait in a ring."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from sqlalchemy import event

from hubbub.actions.audit_marks import audit_marks
from hubbub.actions.create_room import create_room
from hubbub.actions.delete_message import delete_message
from hubbub.actions.give_role import give_role
from hubbub.actions.invite import invite
from hubbub.actions.mark_read import mark_read
from hubbub.actions.post_message import post_message
from hubbub.actions.remove_member import kick
from hubbub.actions.rename import rename
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.domain.errors import ChatError
from hubbub.domain.models import Role, Visibility
from hubbub.storage import failures, streams

ROUNDS = 15
PEOPLE = 4
ROOMS = 4


@pytest.fixture
def backend() -> str:
    """Return the one kind of database that locks rows."""
    return "postgresql"


@pytest.fixture
async def house(database):
    """Make rooms, each owned by another of the people who are all in them."""
    people = [(await sign_in_guest(database, f"person {n}")).user for n in range(PEOPLE)]
    rooms = []
    for n in range(ROOMS):
        owner = people[n]
        room = (
            await create_room(database, owner, f"create-{n}", f"room {n}", "", Visibility.PRIVATE)
        ).room.id
        for other in people:
            if other is not owner:
                await invite(database, owner, room, f"invite-{n}-{other.id[:8]}", other.id)
                await give_role(database, owner, room, f"raise-{n}-{other.id[:8]}", other.id, Role.OWNER)
        rooms.append(room)
    return people, rooms


@pytest.fixture
def lost_races(monkeypatch):
    """Return what grows with each transaction that is undone for another's sake."""
    lost: list[Exception] = []
    real = failures.is_lost_race

    def note(error: Exception) -> bool:
        if real(error):
            lost.append(error)
        return real(error)

    monkeypatch.setattr(failures, "is_lost_race", note)
    return lost


@pytest.fixture
def at_once(engines):
    """Return how many transactions that write were under way, whenever one began."""
    under_way = 0
    seen: list[int] = []

    def begin(_connection: object) -> None:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)

    def end(_connection: object) -> None:
        nonlocal under_way
        under_way -= 1

    event.listen(engines.writing.sync_engine, "begin", begin)
    for what in ("commit", "rollback"):
        event.listen(engines.writing.sync_engine, what, end)
    return seen


def crossing(database, people, rooms, bus, chance, names):
    """Return writes that touch rooms, members and inboxes in any order."""
    for user, room in itertools.product(people, rooms):
        others = [other for other in people if other is not user]
        chance.shuffle(others)
        called = " ".join(f"<@{other.id}>" for other in others)
        yield post_message(database, user, room, next(names), called)
        yield mark_read(database, user, room, chance.randrange(200), back=True)
        yield kick(database, user, room, next(names), others[0].id)
        yield invite(database, user, room, next(names), others[1].id)
        yield give_role(database, user, room, next(names), others[2].id, Role.OWNER)
        yield delete_message(database, user, room, next(names), chance.randrange(200))
    for user in people:
        yield rename(database, bus, user, next(names))


async def test_crossing_writes_never_lock_up(database, house, bus, engines, lost_races, at_once) -> None:
    """Whatever is written at once, no two transactions wait for each other: there is one at a time."""
    people, rooms = house
    chance, names = random.Random(6), (f"cross-{n:06}" for n in itertools.count())
    done, refused = 0, set()
    for _ in range(ROUNDS):
        writes = list(crossing(database, people, rooms, bus, chance, names))
        chance.shuffle(writes)
        for outcome in await asyncio.gather(*writes, return_exceptions=True):
            if isinstance(outcome, ChatError):
                refused.add(outcome.code.value)
            else:
                assert not isinstance(outcome, BaseException), outcome
                done += 1

    assert done > ROUNDS * PEOPLE * ROOMS
    assert refused <= {"not_found", "forbidden", "invalid"}
    assert lost_races == []
    assert set(at_once) == {1}
    assert await audit_marks(database) == 0
    assert await database.read(lambda connection: connection.scalar(streams.select_broken())) is None
