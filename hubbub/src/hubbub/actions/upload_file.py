"""Taking a file for a room; it is its owner's alone until a message has it."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.filetypes import PICTURES, find_type
from hubbub.domain.models import Attachment, StoredFile, User, new_file_id
from hubbub.domain.names import clean_alt, clean_file_name
from hubbub.storage import files, rooms
from hubbub.storage.database import Database
from hubbub.storage.pictures import Pictures
from hubbub.storage.shelf import Part, Shelf
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction


@dataclass(frozen=True, slots=True)
class Store:
    """Where files go, and how much: of one, and of all of a user's, in bytes."""

    shelf: Shelf
    pictures: Pictures
    file_bytes: int
    user_bytes: int


async def upload_file(
    database: Database,
    store: Store,
    user: User,
    room_id: str,
    name: str,
    content: AsyncIterable[bytes],
    alt: str = "",
) -> Attachment:
    """Store a file, by what it is and not by what its name says; when this returns, it is on the disk.

    Cancelling leaves nothing of it.

    Raises:
        ChatError: that of `rooms.refusal`, for a room that the user doesn't belong to; `too_long` for one
            that is too large, `storage_full` for one too many, or if there is no room on the disk; `invalid`
            for a picture that can't be read.
    """
    name, alt = clean_file_name(name), clean_alt(alt)
    free = await database.read(lambda connection: _look(connection, store, room_id, user))
    file_id = new_file_id()
    async with store.shelf.receive(file_id, content, store.file_bytes) as part:
        if part.size > free:
            raise _full(store)
        attachment = await _examine(store, part, file_id, name, alt)
        await store.shelf.keep(file_id, part)
    stored = StoredFile(attachment, user.id, room_id, part.digest)
    is_known = False
    try:
        await _add(database, store, stored)
        is_known = True
    finally:
        if not is_known:
            await store.shelf.remove(file_id)
    return attachment


async def _look(connection: Connection, store: Store, room_id: str, user: User) -> int:
    """Return how many bytes a user may still store, for a room of theirs."""
    await rooms.require_role(connection, room_id, user.id)
    free = store.user_bytes - await files.measure(connection, user.id)
    if free <= 0:
        raise _full(store)
    return free


def _full(store: Store) -> ChatError:
    return ChatError(Code.STORAGE_FULL, f"One's files have at most {store.user_bytes} bytes together.")


async def _examine(store: Store, part: Part, file_id: str, name: str, alt: str) -> Attachment:
    kind = find_type(part.head)
    if kind not in PICTURES:
        return Attachment(file_id, name, kind, part.size, alt=alt)
    size = await store.pictures.prepare(part.path, kind)
    await store.shelf.measure(part)
    return Attachment(file_id, name, kind, part.size, size.width, size.height, alt)


async def _add(database: Database, store: Store, file: StoredFile) -> None:
    async def change(transaction: Transaction) -> None:
        connection = transaction.connection
        await rooms.require_role(connection, file.room, file.owner)
        await files.add(connection, file, transaction.now)
        # Of several that came at once, each was free by itself.
        if await files.measure(connection, file.owner) > store.user_bytes:
            raise _full(store)

    await database.write(change)
