"""Reading."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from hubbub.actions.authenticate import digest_token
from hubbub.domain.errors import ChatError
from hubbub.domain.models import LOBBY
from hubbub.storage import rooms, sessions
from hubbub.storage.database import Database
from hubbub.storage.engine import Engines


async def test_reading_sees_what_was_written(database: Database) -> None:
    """What a write has returned from is there for the next to read."""
    assert await database.read(lambda connection: rooms.find(connection, LOBBY))


async def test_failing_read_is_an_error(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """What fails while the database is read from is told as something that may pass."""
    with pytest.raises(ChatError) as caught:
        await database.read(lambda connection: connection.execute(text("SELECT * FROM nowhere")))

    assert caught.value.retry
    assert "nowhere" in caplog.text


async def test_uses_are_stored_together(database: Database, engines: Engines, guest, wall_clock) -> None:
    """However many sessions are used while the writer is busy, they are written down at one go."""
    people = [await guest(name) for name in ("Ann", "Bob")]
    statements: list[str] = []
    event.listen(
        engines.writing.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    seen = []
    for minutes in (1, 2):
        wall_clock.now += minutes * 60_000
        for each in people * 2:
            database.note_use(digest_token(each.token))
        # What is written now comes after it.
        await database.write(lambda transaction: rooms.find(transaction.connection, LOBBY))
        found = [
            await database.read(partial(sessions.find, digest=digest_token(each.token), now=1))
            for each in people
        ]
        seen += [wall_clock.now - each.login.seen for each in found if each is not None]

    assert seen == [0, 0, 0, 0]
    assert len([each for each in statements if each.startswith("UPDATE sessions")]) == 2


async def test_failed_note_is_made_again(
    database: Database, engines: Engines, guest, wall_clock, caplog: pytest.LogCaptureFixture
) -> None:
    """What couldn't be written down when the database was away is so when it is back."""
    ann = await guest("Ann")
    wall_clock.now += 60_000

    def fail(_connection: object) -> None:
        raise OperationalError("BEGIN", {}, OSError("disk I/O error"))

    event.listen(engines.writing.sync_engine, "begin", fail, insert=True)
    database.note_use(digest_token(ann.token))
    with pytest.raises(ChatError):
        await database.write(lambda transaction: rooms.find(transaction.connection, LOBBY))
    event.remove(engines.writing.sync_engine, "begin", fail)
    database.note_use(b"#other")
    await database.write(lambda transaction: rooms.find(transaction.connection, LOBBY))

    found = await database.read(lambda connection: sessions.find(connection, digest_token(ann.token), 1))
    assert found is not None
    assert found.login.seen == wall_clock.now
    assert "disk I/O error" in caplog.text


async def test_closed_database_notes_nothing(database: Database) -> None:
    """After the close nothing is written any more, and nobody is told."""
    await database.close()

    database.note_use(b"#1")
