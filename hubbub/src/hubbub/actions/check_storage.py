"""Finding out whether something can be stored and read."""

from __future__ import annotations

from hubbub.domain.models import LOBBY
from hubbub.storage import rooms, streams
from hubbub.storage.database import Database


async def check_storage(database: Database) -> None:
    """Store something, behind what waits to be stored, and read something.

    Raises:
        ChatError: that of a database in trouble.
    """
    await database.write(lambda transaction: streams.write_nothing(transaction.connection))
    await database.read(lambda connection: rooms.find(connection, LOBBY))
