"""Looking at everybody who is or was in the chat."""

from __future__ import annotations

from typing import NamedTuple

from hubbub.domain.models import Person, User
from hubbub.domain.policies import NAME_LENGTH, USERS_PAGE, limit_page
from hubbub.storage import users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection


class People(NamedTuple):
    """A page of people; `next` is what the next page comes after, if there is one."""

    people: list[Person]
    next: str | None


async def list_users(
    database: Database, user: User, query: str = "", after: str = "", limit: int = USERS_PAGE
) -> People:
    """Return people in whose name or username the query is found, by name, beginning after who has an id.

    A limit that is too high is lowered.

    Raises:
        ChatError: `forbidden` for who doesn't administer the chat.
    """
    limit = limit_page(limit, USERS_PAGE)

    async def read(connection: Connection) -> list[Person]:
        await users.require_administrator(connection, user.id)
        # One more than is wanted tells whether there are more.
        return await users.search(connection, query.strip()[:NAME_LENGTH], after, limit + 1)

    found = await database.read(read)
    return People(found[:limit], found[limit - 1].user.id if len(found) > limit else None)
