"""Making the room that everyone belongs to."""

from __future__ import annotations

from hubbub.domain.models import LOBBY, Room
from hubbub.storage import rooms, streams
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def open_lobby(database: Database) -> None:
    """Make the lobby unless it is there."""
    if await database.read(lambda connection: rooms.find(connection, LOBBY)):
        return

    async def change(transaction: Transaction) -> None:
        await rooms.add(transaction.connection, Room(LOBBY, "lobby", ""), transaction.now)
        # An epoch is the moment at which numbering began: a database begun anew has another.
        await streams.open_stream(transaction.connection, LOBBY, transaction.now)

    await database.write(change)
