"""Noting who did what, where someone administers or keeps order."""

from __future__ import annotations

from hubbub.domain.models import Deed, User
from hubbub.domain.policies import AUDIT_AGE
from hubbub.storage import audit
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def note(transaction: Transaction, actor: User | None, deed: Deed) -> None:
    """Note a deed in the transaction that does it: so either both are there, or neither.

    Without an actor it was done by who runs the server.
    """
    await audit.add(transaction.connection, None if actor is None else actor.id, deed, transaction.now)


async def trim_audit(database: Database) -> None:
    """Forget what was done very long ago.

    Raises:
        ChatError: that of a database in trouble.
    """

    async def change(transaction: Transaction) -> None:
        await audit.forget_before(transaction.connection, transaction.now - AUDIT_AGE * 1000)

    await database.write(change)
