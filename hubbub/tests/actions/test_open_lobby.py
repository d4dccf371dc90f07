"""Making the room that everyone belongs to."""

from __future__ import annotations

from hubbub.actions.open_lobby import open_lobby
from hubbub.domain.models import LOBBY, Head, Room
from hubbub.storage import rooms, streams


async def test_lobby_is_made_once(database, wall_clock) -> None:
    """The lobby is there after the first start, and the same after the second."""
    made_at = wall_clock.now
    wall_clock.now += 1000

    await open_lobby(database)

    assert await database.read(lambda connection: rooms.find(connection, LOBBY)) == Room(LOBBY, "lobby", "")
    assert await database.read(lambda connection: streams.read_heads(connection, [LOBBY])) == [
        Head(LOBBY, made_at, 0)
    ]
