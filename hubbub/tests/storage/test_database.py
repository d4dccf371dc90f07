"""Reading."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import LOBBY
from hubbub.storage import rooms
from hubbub.storage.database import Database


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
