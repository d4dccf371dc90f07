"""What the tests of storage share: a database with two users and two rooms in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from faults.postgresql import BACKENDS
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import MessagePosted
from hubbub.domain.models import Posted, Room, User
from hubbub.storage import rooms, streams, users
from hubbub.storage.engine import Engines
from hubbub.storage.posting import Post, post_all

Say = Callable[..., Awaitable[int]]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Return each kind of database in turn."""
    return str(request.param)


@pytest.fixture
async def connection(engines: Engines) -> AsyncIterator[AsyncConnection]:
    """Open a write transaction; Ann and Bob are in the garden, and nobody is in the attic."""
    async with engines.writing.begin() as connection:
        for name in ("ann", "bob"):
            await users.add(connection, User(f"u_{name}", name.title(), "guest"), 1)
            await streams.open_stream(connection, f"u_{name}", 7)
        for name in ("garden", "attic"):
            await rooms.add(connection, Room(f"r_{name}", name, ""), 1)
            await streams.open_stream(connection, f"r_{name}", 7)
        await rooms.add_member(connection, "r_garden", "u_ann", 1)
        await rooms.add_member(connection, "r_garden", "u_bob", 2)
        yield connection


@pytest.fixture
def say(connection: AsyncConnection) -> Say:
    """Return what stores a message of Ann's in the garden, unless told otherwise, and gives its number."""
    count = iter(range(1000))

    async def say(
        text: str, author: str = "u_ann", reply_to: int | None = None, thread: int | None = None
    ) -> int:
        message = MessagePosted(f"said-{next(count):04}", text, reply_to, thread)
        [outcome], _ = await post_all(connection, [Post("r_garden", author, message)], 5)
        assert isinstance(outcome, Posted)
        return outcome.q

    return say
