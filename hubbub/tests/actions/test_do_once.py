"""Doing things once."""

from __future__ import annotations

import asyncio

from hubbub.actions.do_once import do_in_room, do_once
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, MemberChanged
from hubbub.domain.models import LOBBY, Role


async def test_repeat_does_nothing(database, people, heard) -> None:
    """However often something is asked, also at once, it is done once and answered alike."""
    heard.clear()
    owner = people["owner"]

    async def change(transaction, asked):
        return await transaction.append(LOBBY, owner.id, MemberChanged(MemberChange.JOIN, owner), asked)

    asking = [do_once(database, owner, "nonce-01", ["wave"], change) for _ in range(3)]
    done = [*await asyncio.gather(*asking), await do_once(database, owner, "nonce-01", ["wave"], change)]

    [event] = heard
    assert [(each.room, each.posted.q, each.posted.ts) for each in done] == [(LOBBY, event.q, event.ts)] * 4
    assert [each.posted.dup for each in done] == [False, True, True, True]


async def test_refused_request_is_not_known(database, people, code_of) -> None:
    """What was refused may succeed later under the same nonce."""
    owner = people["owner"]
    refusals = [ChatError(Code.FORBIDDEN)]

    async def change(transaction, asked):
        if refusals:
            raise refusals.pop()
        return await transaction.append(LOBBY, owner.id, MemberChanged(MemberChange.JOIN, owner), asked)

    assert await code_of(do_once(database, owner, "nonce-01", ["wave"], change)) == "forbidden"
    assert not (await do_once(database, owner, "nonce-01", ["wave"], change)).posted.dup


async def test_role_is_handed_over(database, people, room, code_of) -> None:
    """In a room, things are done by members, being what they are there."""
    roles = []

    async def change(transaction, standing, asked):
        roles.append(standing.role)
        event = MemberChanged(MemberChange.JOIN, people["owner"])
        return await transaction.append(room, people["owner"].id, event, asked)

    await do_in_room(database, people["owner"], room, "nonce-01", ["wave"], change)
    strange = do_in_room(database, people["stranger"], room, "nonce-01", ["wave"], change)

    assert await code_of(strange) == "not_member"
    assert roles == [Role.OWNER]
