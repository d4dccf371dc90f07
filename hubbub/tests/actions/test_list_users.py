"""Looking at everybody."""

from __future__ import annotations

import pytest

from hubbub.actions.list_users import list_users


async def test_people_are_listed_by_name(database, boss, people, ann) -> None:
    """Page by page, each once, with what an administrator has to know."""
    first = await list_users(database, boss, limit=4)
    rest = await list_users(database, boss, after=first.next)

    found = [*first.people, *rest.people]
    assert {each.user.id for each in found} == {boss.id, ann.user.id, *(each.id for each in people.values())}
    assert (len(first.people), rest.next) == (4, None)
    [shown] = [each for each in found if each.user.id == ann.user.id]
    assert (shown.user.username, shown.disabled) == ("ann", None)
    assert shown.created == shown.seen == database.now()


@pytest.mark.parametrize("query,names", [("STRANG", ["stranger"]), (" bos", ["Boss"]), ("%", []), ("_", [])])
async def test_people_are_found(database, boss, people, query, names) -> None:
    """By part of a name, however written; signs that mean something to databases mean nothing here."""
    assert [each.user.name for each in (await list_users(database, boss, query)).people] == names


async def test_others_list_nobody(database, people, code_of) -> None:
    """Who doesn't administer the chat doesn't see who is in it."""
    assert await code_of(list_users(database, people["owner"])) == "forbidden"
