"""What Alembic does with the connection that it is handed."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import Connection, inspect

from hubbub.storage.engine import open_engines, sqlite_url
from hubbub.storage.migrate import alembic_config


async def test_commands_use_the_given_connection(tmp_path: Path) -> None:
    """What Alembic does, it does in the transaction that it is handed."""

    def stamp(connection: Connection) -> list[str]:
        command.stamp(alembic_config(connection), "head")
        return inspect(connection).get_table_names()

    engines = open_engines(sqlite_url(tmp_path / "test.sqlite3"))
    async with engines.writing.connect() as connection, connection.begin() as transaction:
        made = await connection.run_sync(stamp)
        await transaction.rollback()
    async with engines.reading.connect() as connection:
        kept = await connection.run_sync(lambda connection: inspect(connection).get_table_names())
    await engines.dispose()

    assert (made, kept) == (["alembic_version"], [])
