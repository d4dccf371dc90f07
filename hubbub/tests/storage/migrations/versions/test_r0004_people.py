"""The fourth revision."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, text

from hubbub.storage.engine import Engines
from hubbub.storage.migrate import alembic_config


async def test_users_are_members_at_first(blank: Engines) -> None:
    """Nobody administers a database of the third revision, and nobody is lost."""

    def upgrade(connection: Connection) -> list[str]:
        command.upgrade(alembic_config(connection), "0003")
        connection.execute(
            text("INSERT INTO users (id, name, kind, created) VALUES ('u_ann', 'Ann', 'guest', 1)")
        )
        command.upgrade(alembic_config(connection), "0004")
        return list(connection.execute(text("SELECT role FROM users")).scalars())

    async with blank.writing.begin() as connection:
        assert await connection.run_sync(upgrade) == ["member"]
