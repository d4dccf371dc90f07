"""Seeing who belongs to a room."""

from __future__ import annotations

from hubbub.actions.list_members import list_members
from hubbub.domain.models import Role


async def test_members_are_listed_with_roles(database, people, room) -> None:
    """Members see each other, page by page."""
    listed, after = await list_members(database, people["member"], room, limit=3)
    first = await list_members(database, people["member"], room, limit=1)
    rest = await list_members(database, people["member"], room, after=first.next or "")

    roles = {"owner": Role.OWNER, "moderator": Role.MODERATOR, "member": Role.MEMBER}
    assert dict(listed) == {people[name]: role for name, role in roles.items()}
    assert first.members + rest.members == listed
    assert after is rest.next is None


async def test_strangers_see_nobody(database, people, room, code_of) -> None:
    """Who isn't a member doesn't learn who is."""
    assert await code_of(list_members(database, people["stranger"], room)) == "not_member"
