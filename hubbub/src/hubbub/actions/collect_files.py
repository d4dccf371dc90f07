"""Removing files from the disk that nobody can ask for any more."""

from __future__ import annotations

from functools import partial
from typing import Final

from hubbub.domain.policies import UNSENT_LIFE
from hubbub.storage import files
from hubbub.storage.database import Database
from hubbub.storage.shelf import Shelf
from hubbub.storage.writer import Transaction

_PIECE: Final = 500


async def collect_gone(database: Database, shelf: Shelf) -> None:
    """Remove the files that are gone; what the disk won't give up yet, the next time.

    Raises:
        ChatError: if the database fails meanwhile.
    """
    while gone := await database.read(files.list_gone):
        removed = [file_id for file_id in gone if await shelf.remove(file_id)]

        await _forget(database, removed)
        if len(removed) < len(gone):
            return


async def _forget(database: Database, ids: list[str]) -> None:
    async def change(transaction: Transaction) -> None:
        await files.forget(transaction.connection, ids)

    await database.write(change)


async def collect_orphans(database: Database, shelf: Shelf) -> None:
    """Let the files go that no message has had for long, and what is on the disk that nobody knows of.

    Raises:
        ChatError: if the database fails meanwhile.
    """

    async def change(transaction: Transaction) -> None:
        await files.let_go_of_orphans(transaction.connection, transaction.now - UNSENT_LIFE * 1000)

    await database.write(change)
    await collect_gone(database, shelf)
    old = await shelf.list_old(UNSENT_LIFE)
    for start in range(0, len(old), _PIECE):
        piece = old[start : start + _PIECE]
        known = await database.read(partial(files.select_known, ids=piece))
        for file_id in piece:
            if file_id not in known:
                await shelf.remove(file_id)
