"""The first revision."""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from hubbub.storage.engine import Engines


async def test_revision_makes_these_tables(engines: Engines) -> None:
    """The first revision has a table for everything that a conversation needs."""

    def tables(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    async with engines.reading.connect() as connection:
        made = await connection.run_sync(tables)

    assert made == {
        "alembic_version",
        "events",
        "memberships",
        "messages",
        "rooms",
        "sessions",
        "streams",
        "users",
    }
