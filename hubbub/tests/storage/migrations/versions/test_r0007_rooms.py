"""The seventh revision."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, text

from hubbub.domain.models import Role, Room, Sight, Standing
from hubbub.storage import rooms
from hubbub.storage.engine import Engines
from hubbub.storage.migrate import alembic_config


async def test_rooms_stay_what_they_are(blank: Engines) -> None:
    """Rooms of before have no new rules, and their members see all of them."""
    membership = (
        'INSERT INTO memberships (room, "user", joined, role, read, read_ord, mentions) '
        "VALUES ('r_x', 'u_ann', 5, 'owner', 3, 3, 0)"
    )

    def upgrade(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0003")
        for statement in (
            "INSERT INTO users (id, name, kind, created) VALUES ('u_ann', 'Ann', 'guest', 1)",
            "INSERT INTO rooms (id, name, topic, created, visibility) VALUES ('r_x', 'X', '', 1, 'public')",
            membership,
        ):
            connection.execute(text(statement))
        command.upgrade(alembic_config(connection), "head")

    async with blank.writing.begin() as connection:
        await connection.run_sync(upgrade)
        assert await rooms.find(connection, "r_x") == Room("r_x", "X", "")
        assert await rooms.require_standing(connection, "r_x", "u_ann") == Standing(Role.OWNER, Sight("r_x"))
