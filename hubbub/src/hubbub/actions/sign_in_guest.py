"""Letting someone in who gives no more than a name."""

from __future__ import annotations

from hubbub.actions.admit_user import admit_user
from hubbub.actions.begin_session import SignedIn
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User, new_user_id
from hubbub.domain.names import clean_name
from hubbub.storage import settings
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def sign_in_guest(database: Database, name: str, label: str = "") -> SignedIn:
    """Make a new guest, a session and an inbox, and let the guest into the lobby.

    Raises:
        ChatError: `forbidden` where nobody is let in as a guest; `invalid`, for what can't be a name.
    """
    user = User(new_user_id(), clean_name(name), "guest")

    async def change(transaction: Transaction) -> SignedIn:
        if not (await settings.find(transaction.connection)).guests:
            raise ChatError(Code.FORBIDDEN, "Guests aren't let in here.")
        return await admit_user(transaction, user, label)

    return await database.write(change)
