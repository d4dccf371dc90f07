"""Telling someone how far their streams have come."""

from __future__ import annotations

from hubbub.domain.models import Head, User
from hubbub.storage import streams
from hubbub.storage.database import Database


async def read_heads(database: Database, user: User) -> list[Head]:
    """Return the heads of the user's inbox and of every room that they belong to."""
    return await database.read(lambda connection: streams.read_member_heads(connection, user.id))
