"""The fifth revision."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, text

from hubbub.storage.engine import Engines
from hubbub.storage.migrate import alembic_config


async def test_messages_have_no_files_at_first(blank: Engines) -> None:
    """What was said before stays, and has no files."""

    def upgrade(connection: Connection) -> tuple[int, int]:
        command.upgrade(alembic_config(connection), "0003")
        for statement in (
            "INSERT INTO users (id, name, kind, created) VALUES ('u_ann', 'Ann', 'guest', 1)",
            "INSERT INTO streams (id, epoch, head, counted, changed) VALUES ('r_x', 1, 1, 1, 1)",
            (
                "INSERT INTO events (stream, q, kind, ts, author, body, size, body_hash) "
                "VALUES ('r_x', 1, 'msg.new', 1, 'u_ann', '{}', 2, '')"
            ),
            (
                "INSERT INTO messages (stream, q, rev, ts, author, nonce, text, ord, said, replies) "
                "VALUES ('r_x', 1, 1, 1, 'u_ann', 'nonce-01', 'hi', 1, 1, 0)"
            ),
        ):
            connection.execute(text(statement))
        command.upgrade(alembic_config(connection), "0005")
        count = text(
            "SELECT (SELECT count(*) FROM messages WHERE files IS NULL), (SELECT count(*) FROM files)"
        )
        messages, files = connection.execute(count).one()
        return messages, files

    async with blank.writing.begin() as connection:
        assert await connection.run_sync(upgrade) == (1, 0)
