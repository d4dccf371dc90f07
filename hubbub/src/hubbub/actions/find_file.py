"""Finding a file for somebody who may have it."""

from __future__ import annotations

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import StoredFile, User
from hubbub.storage import files, rooms
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


async def find_file(database: Database, user: User, file_id: str) -> StoredFile:
    """Return a file of a room that the user belongs to now, or one of theirs that no message has yet.

    Raises:
        ChatError: `not_found`.
    """

    async def look(connection: Connection) -> StoredFile:
        file = await files.find(connection, file_id)
        if file is None or (not file.is_posted and file.owner != user.id):
            raise ChatError(Code.NOT_FOUND)
        if await rooms.find_role(connection, file.room, user.id) is None:
            # Whoever isn't there learns nothing of what is, not even of a public room's.
            raise ChatError(Code.NOT_FOUND)
        return file

    return await database.read(look)
