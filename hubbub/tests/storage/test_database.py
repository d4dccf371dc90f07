"""Reading."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import LOBBY, Room
from hubbub.storage import rooms
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def test_reading_sees_what_was_written(database: Database) -> None:
    """What a write has returned from is there for the next to read."""
    async with database.read() as connection:
        assert await rooms.find(connection, LOBBY)


async def test_failing_read_is_an_error(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """A database that fails while it is read from is told as one that can't be reached."""
    with pytest.raises(ChatError) as caught:
        async with database.read() as connection:
            await connection.execute(text("SELECT * FROM nowhere"))

    assert caught.value.code is Code.UNAVAILABLE
    assert "nowhere" in caplog.text


async def test_writing_soon_keeps_nobody_waiting(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody waits for is done in its turn; what fails of it is only logged."""
    room = Room("r_soon", "soon", "")

    async def make(transaction: Transaction) -> None:
        await rooms.add(transaction.connection, room, transaction.now)

    database.write_soon(make)
    database.write_soon(make)
    await database.write(lambda transaction: rooms.change(transaction.connection, room))

    async with database.read() as connection:
        assert await rooms.find(connection, "r_soon") == room
    assert caplog.text.count("a transaction failed") == 1


async def test_writing_soon_ends_with_closing(database: Database) -> None:
    """After the close nothing is written any more, and nobody is told."""
    await database.close()

    async def fail(_transaction: Transaction) -> None:
        raise AssertionError

    database.write_soon(fail)
