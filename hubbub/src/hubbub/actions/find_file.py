"""Finding a file for somebody who may have it."""

from __future__ import annotations

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import StoredFile, User
from hubbub.storage import files, rooms
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


async def find_file(database: Database, user: User, file_id: str) -> StoredFile:
    """Return a file of a message that the user may see now, or one of theirs that no message has yet.

    Raises:
        ChatError: `not_found`.
    """

    async def look(connection: Connection) -> StoredFile:
        file = await files.find(connection, file_id)
        if file is None or (file.message is None and file.owner != user.id):
            raise ChatError(Code.NOT_FOUND)
        place = file.room, user.id
        standing = (await rooms.select_standings(connection, [place])).get(place)
        # Whoever isn't there learns nothing of what is, not even of a public room's.
        if standing is None or (file.message is not None and file.message < standing.sight.since):
            raise ChatError(Code.NOT_FOUND)
        return file

    return await database.read(look)
