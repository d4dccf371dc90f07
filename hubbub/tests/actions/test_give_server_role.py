"""Making administrators."""

from __future__ import annotations

import asyncio

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.change_settings import read_settings
from hubbub.actions.disable_user import disable_user
from hubbub.actions.give_server_role import give_server_role
from hubbub.actions.log_in import log_in
from hubbub.domain.errors import ChatError
from hubbub.domain.events import SessionRevoked
from hubbub.domain.models import ServerRole

ADMINISTRATOR, MEMBER = ServerRole.ADMINISTRATOR, ServerRole.MEMBER


async def test_administrator_makes_another(database, bus, passwords, boss, ann, heard, code_of) -> None:
    """Who becomes one signs in anew: whoever had an old session has none of the rights."""
    heard.clear()
    for _ in range(2):
        await give_server_role(database, bus, boss, ann.user.id, ADMINISTRATOR)

    assert heard == [SessionRevoked(digest_token(ann.token).hex())]
    assert await authenticate(database, ann.token) is None
    again = await log_in(database, bus, passwords, "ann", "correct horse")
    assert again.user.role is ADMINISTRATOR
    assert (await authenticate(database, again.token)).role is ADMINISTRATOR
    await give_server_role(database, bus, boss, ann.user.id, MEMBER)
    assert await code_of(read_settings(database, ann.user)) == "forbidden"


async def test_of_two_who_unmake_each_other_one_stays(database, bus, passwords, boss, ann) -> None:
    """There is always an administrator: who is none any more can unmake nobody."""
    await give_server_role(database, bus, boss, ann.user.id, ADMINISTRATOR)
    outcomes = await asyncio.gather(
        give_server_role(database, bus, boss, ann.user.id, MEMBER),
        give_server_role(database, bus, ann.user, boss.id, MEMBER),
        return_exceptions=True,
    )

    assert [each.code for each in outcomes if isinstance(each, ChatError)] == ["forbidden"]


async def test_who_can_be_none_is_refused(database, bus, boss, ann, guest, people, code_of) -> None:
    """Nobody changes what they are themselves; guests, who is kept out, and nobody can't be one."""
    bob = (await guest("Bob")).user
    await disable_user(database, bus, boss, ann.user.id)
    codes = [
        await code_of(give_server_role(database, bus, boss, whom, ADMINISTRATOR))
        for whom in (boss.id, bob.id, ann.user.id, "u_nobody")
    ]

    assert codes == ["invalid", "invalid", "invalid", "not_found"]
    assert (
        await code_of(give_server_role(database, bus, people["owner"], bob.id, ADMINISTRATOR)) == "forbidden"
    )
    assert await code_of(give_server_role(database, bus, ann.user, ann.user.id, ADMINISTRATOR)) == "forbidden"
