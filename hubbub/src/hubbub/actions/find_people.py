"""Looking for people to talk to."""

from __future__ import annotations

from hubbub.domain.models import User
from hubbub.domain.policies import FOUND_PEOPLE, NAME_LENGTH
from hubbub.storage import users
from hubbub.storage.database import Database


async def find_people(database: Database, user: User, typed: str) -> list[User]:
    """Return people by their names: those in whose rooms the user is, by a part, and others by the whole.

    There are at most `FOUND_PEOPLE`, those called just so first; nobody is found by nothing.
    """
    text = " ".join(typed.split())
    if not text or len(text) > NAME_LENGTH or "\0" in text:
        return []
    return await database.read(lambda connection: users.search_known(connection, user.id, text, FOUND_PEOPLE))
