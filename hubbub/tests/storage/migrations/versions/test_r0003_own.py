"""The third revision."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, text

from hubbub.storage.engine import Engines
from hubbub.storage.migrate import alembic_config


async def test_users_keep_nothing_at_first(blank: Engines) -> None:
    """A database of the second revision gets the table, with nothing in it, and loses nobody."""

    def upgrade(connection: Connection) -> tuple[int, int]:
        command.upgrade(alembic_config(connection), "0002")
        connection.execute(
            text("INSERT INTO users (id, name, kind, created) VALUES ('u_ann', 'Ann', 'guest', 1)")
        )
        command.upgrade(alembic_config(connection), "0003")
        count = text("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM own)")
        users, own = connection.execute(count).one()
        return users, own

    async with blank.writing.begin() as connection:
        assert await connection.run_sync(upgrade) == (1, 0)
