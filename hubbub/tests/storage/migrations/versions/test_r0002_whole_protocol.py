"""The second revision, on a database that has been used."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import MessagePosted
from hubbub.domain.models import Login, Marks, Membership, Posted, Role, Room, Sight, User
from hubbub.storage import marks, messages, posting, rooms, sessions, streams
from hubbub.storage.engine import Engines
from hubbub.storage.migrate import alembic_config, migrate
from hubbub.storage.posting import Post

ROWS = {
    "users": ["'u_ann', 'Ann', 'guest', 1", "'u_bob', 'Bob', 'guest', 1"],
    "rooms": ["'r_garden', 'garden', 'tea', 1", "'r_attic', 'attic', '', 1"],
    "streams": ["'r_garden', 7, 4", "'r_attic', 7, 0", "'u_ann', 7, 0", "'u_bob', 7, 0"],
    "memberships": ["'r_garden', 'u_ann', 1", "'r_garden', 'u_bob', 1", "'r_attic', 'u_ann', 2"],
    "events": [
        f"'r_garden', {q}, '{kind}', 3, 'u_ann', {nonce}, '{{}}', 2, :digest"
        for q, kind, nonce in (
            (1, "member", "NULL"),
            (2, "msg.new", "'nonce-02'"),
            (3, "member", "NULL"),
            (4, "msg.new", "'nonce-04'"),
        )
    ],
    "messages": [f"'r_garden', {q}, {q}, 3, 'u_ann', 'nonce-0{q}', 'hi', NULL" for q in (2, 4)],
    "sessions": [":digest, 'u_ann', 5, 100", ":other, 'u_bob', 6, 100"],
}


def fill(connection: Connection) -> None:
    """Make the tables of the first revision, with something in them."""
    command.upgrade(alembic_config(connection), "0001")
    for table, rows in ROWS.items():
        for row in rows:
            values = {name: name.encode() for name in ("digest", "other") if f":{name}" in row}
            connection.execute(text(f"INSERT INTO {table} VALUES ({row})"), values)


@pytest.fixture
async def connection(blank: Engines) -> AsyncIterator[AsyncConnection]:
    """Open a write transaction in a database that was used, and then migrated."""
    async with blank.writing.begin() as connection:
        await connection.run_sync(fill)
    await migrate(blank)
    async with blank.writing.begin() as connection:
        yield connection


async def test_old_messages_are_counted(connection: AsyncConnection) -> None:
    """Messages have their rank and what gave them their text; nothing of them waits for anyone."""
    found, _ = await messages.read_from(connection, Sight("r_garden"), 1, 9, 9999)

    assert [(message.q, message.said, message.text, message.replies) for message in found] == [
        (2, 2, "hi", 0),
        (4, 4, "hi", 0),
    ]
    garden = Room("r_garden", "garden", "tea")
    assert await rooms.list_for_member(connection, "u_ann") == [
        Membership(garden, Role.MEMBER, Marks(4, 0, 0)),
        Membership(Room("r_attic", "attic", ""), Role.MEMBER, Marks(0, 0, 0)),
    ]
    await marks.set_read(connection, "r_garden", "u_bob", 2)
    assert await marks.find(connection, "r_garden", "u_bob") == Marks(2, 1, 0)
    assert await marks.recount(connection, "r_garden") == []


async def test_old_room_goes_on(connection: AsyncConnection) -> None:
    """What is posted after the migration has the next number and the next rank."""
    [outcome], _ = await posting.post_all(
        connection, [Post("r_garden", "u_bob", MessagePosted("nonce-05", "<@u_ann>"))], 9
    )

    assert outcome == Posted(5, 9, False)
    assert await marks.find(connection, "r_garden", "u_ann") == Marks(4, 1, 1)
    assert await marks.recount(connection, "r_garden") == []


async def test_old_nonces_are_known(connection: AsyncConnection) -> None:
    """What was posted before the migration isn't posted again."""
    assert (await streams.find_nonces(connection, [("u_ann", "nonce-02")])).keys() == {("u_ann", "nonce-02")}


async def test_old_sessions_go_on(connection: AsyncConnection) -> None:
    """Who was signed in still is, in a session that has an id of its own."""
    ann = await sessions.find(connection, b"digest", 50)
    bob = await sessions.find(connection, b"other", 50)

    assert ann is not None
    assert bob is not None
    assert ann == (User("u_ann", "Ann", "guest"), Login(ann.login.id, "", 5, 5, 100))
    assert "" != ann.login.id != bob.login.id
