"""Seeing who belongs to a room."""

from __future__ import annotations

from hubbub.actions.list_members import list_members
from hubbub.domain.models import Role


async def test_members_are_listed_with_roles(database, people, room) -> None:
    """Members see each other, page by page."""
    listed = await list_members(database, people["member"], room)
    first = await list_members(database, people["member"], room, limit=1)
    rest = await list_members(database, people["member"], room, after=first[0][0].id)

    roles = {"owner": Role.OWNER, "moderator": Role.MODERATOR, "member": Role.MEMBER}
    assert dict(listed) == {people[name]: role for name, role in roles.items()}
    assert first + rest == listed


async def test_strangers_see_nobody(database, people, room, code_of) -> None:
    """Who isn't a member doesn't learn who is."""
    assert await code_of(list_members(database, people["stranger"], room)) == "not_found"
