"""Looking for people."""

from __future__ import annotations

from hubbub.actions.find_people import find_people
from hubbub.actions.leave_room import leave_room
from hubbub.domain.models import LOBBY


async def test_companions_are_found_by_a_part(database, people) -> None:
    """Who shares a room is found by a part of the name, in any letters; oneself isn't."""
    found = await find_people(database, people["owner"], " MEM ")

    assert [user.name for user in found] == ["member"]
    assert await find_people(database, people["owner"], "own") == []
    for nothing in ("", " ", "%", "_", "\0", "x" * 41):
        assert await find_people(database, people["owner"], nothing) == []


async def test_strangers_are_found_by_their_names(database, people, room, nonces) -> None:
    """Who shares no room is found by the whole name only."""
    for name in ("member", "stranger"):
        await leave_room(database, people[name], LOBBY, next(nonces))

    assert await find_people(database, people["stranger"], "membe") == []
    assert [user.name for user in await find_people(database, people["stranger"], "member")] == ["member"]
    assert [user.name for user in await find_people(database, people["owner"], "membe")] == ["member"]


async def test_found_people_are_few(database, people, monkeypatch) -> None:
    """Only so many are found at once, those called just so first."""
    monkeypatch.setattr("hubbub.actions.find_people.FOUND_PEOPLE", 2)
    assert len(await find_people(database, people["stranger"], "m")) == 2
    assert [user.name for user in await find_people(database, people["stranger"], "o")] == [
        "moderator",
        "owner",
    ]
