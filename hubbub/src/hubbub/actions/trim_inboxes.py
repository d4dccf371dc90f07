"""Forgetting what people's inboxes said long ago; what it added up to is kept elsewhere.

A client that is so far behind gets a fresh copy whether it is forgotten or not: what a delta can hold is
never forgotten.  No number is given again, and no epoch changes.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from hubbub.domain.policies import DELTA_EVENTS, INBOX_AGE, INBOX_EVENTS
from hubbub.storage import streams
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction

# No write is kept waiting for long.
_PIECE: Final = 1_000


async def trim_inboxes(database: Database) -> int:
    """Forget the oldest events of every inbox that has too many, or very old ones; return how many.

    Raises:
        ChatError: if the database fails meanwhile.
    """
    forgotten, after = 0, ""
    while True:
        page = await database.read(partial(streams.list_inboxes, after=after, longer=DELTA_EVENTS))
        for inbox in page:
            forgotten += await _trim(database, inbox)
        if not page:
            return forgotten
        after = page[-1]


async def _trim(database: Database, inbox: str) -> int:
    first, last = await database.read(
        lambda connection: streams.find_stale(
            connection, inbox, DELTA_EVENTS, INBOX_EVENTS, database.now() - INBOX_AGE * 1000
        )
    )
    for q in range(first, last + 1, _PIECE):
        await _forget(database, inbox, min(q + _PIECE - 1, last))
    return max(0, last - first + 1)


async def _forget(database: Database, inbox: str, q: int) -> None:
    async def change(transaction: Transaction) -> None:
        await streams.forget_up_to(transaction.connection, inbox, q)

    await database.write(change)
