"""The first revision."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, inspect

from hubbub.storage.engine import Engines
from hubbub.storage.migrate import alembic_config


async def test_revision_makes_these_tables(blank: Engines) -> None:
    """The first revision has a table for everything that a conversation needs."""

    def tables(connection: Connection) -> set[str]:
        command.upgrade(alembic_config(connection), "0001")
        return set(inspect(connection).get_table_names())

    async with blank.writing.begin() as connection:
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
