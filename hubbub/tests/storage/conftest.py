"""What the tests of storage share: a database with two users and two rooms in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Room, User
from hubbub.storage import rooms, streams, users
from hubbub.storage.engine import Engines


@pytest.fixture
async def connection(engines: Engines) -> AsyncIterator[AsyncConnection]:
    """Open a write transaction; Ann and Bob are in the garden, and nobody is in the attic."""
    async with engines.writing.begin() as connection:
        for name in ("ann", "bob"):
            await users.add(connection, User(f"u_{name}", name.title(), "guest"), 1)
        for name in ("garden", "attic"):
            await rooms.add(connection, Room(f"r_{name}", name, ""), 1)
            await streams.open_stream(connection, f"r_{name}", 7)
        await rooms.add_member(connection, "r_garden", "u_ann", 1)
        await rooms.add_member(connection, "r_garden", "u_bob", 2)
        yield connection
