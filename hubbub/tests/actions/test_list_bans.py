"""Seeing who is kept out."""

from __future__ import annotations

import pytest

from hubbub.actions.list_bans import list_bans
from hubbub.actions.remove_member import ban


async def test_bans_are_paged(database, people, room, nonces, wall_clock) -> None:
    """Who keeps order sees who is kept out, by whom and since when, page by page."""
    owner, moderator = people["owner"], people["moderator"]
    kept_out = sorted((people["member"], people["stranger"]), key=lambda user: user.id)
    for user in kept_out:
        await ban(database, owner, room, next(nonces), user.id)

    first = await list_bans(database, moderator, room, limit=1)
    rest = await list_bans(database, moderator, room, first.next or "")
    assert [(each.user, each.by, each.ts) for each in first.bans + rest.bans] == [
        (user, owner, wall_clock.now) for user in kept_out
    ]
    assert rest.next is None


@pytest.mark.parametrize("who,code", [("member", "forbidden"), ("stranger", "not_member")])
async def test_others_see_no_bans(database, people, room, code_of, who, code) -> None:
    """Nobody else learns of it."""
    assert await code_of(list_bans(database, people[who], room)) == code
