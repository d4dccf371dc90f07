"""Choosing another password by a link."""

from __future__ import annotations

import asyncio

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.log_in import log_in
from hubbub.actions.reset_password import issue_reset, reset_password
from hubbub.domain.errors import ChatError
from hubbub.domain.events import SessionRevoked
from hubbub.domain.policies import RESET_LIFETIME


async def test_link_is_good_once(database, bus, passwords, boss, ann, heard, code_of) -> None:
    """It gives another password, and a session; all others end, and it is worth nothing any more."""
    token = (await issue_reset(database, boss, ann.user.id)).token
    heard.clear()
    outcomes = await asyncio.gather(
        *(reset_password(database, bus, passwords, token, "battery staple") for _ in range(2)),
        return_exceptions=True,
    )

    [signed_in] = [each for each in outcomes if not isinstance(each, BaseException)]
    [refused] = [each for each in outcomes if isinstance(each, ChatError)]
    assert refused.code == "not_found"
    assert heard == [SessionRevoked(digest_token(ann.token).hex())]
    assert await authenticate(database, ann.token) is None
    assert await authenticate(database, signed_in.token) == ann.user
    assert await code_of(log_in(database, bus, passwords, "ann", "correct horse")) == "unauthorized"
    await log_in(database, bus, passwords, "ann", "battery staple")


async def test_link_has_its_time(database, bus, passwords, boss, ann, wall_clock, code_of) -> None:
    """After a day, and once there is another, it is none; what is no password leaves it as it was."""
    first = (await issue_reset(database, boss, ann.user.id)).token
    second = await issue_reset(database, boss, ann.user.id)
    assert second.expires == wall_clock.now + RESET_LIFETIME * 1000
    for token, new, code in (
        (first, "battery staple", "not_found"),
        ("made up", "battery staple", "not_found"),
        (second.token, "short", "invalid"),
    ):
        assert await code_of(reset_password(database, bus, passwords, token, new)) == code
    wall_clock.now = second.expires

    assert (
        await code_of(reset_password(database, bus, passwords, second.token, "battery staple")) == "not_found"
    )
    await log_in(database, bus, passwords, "ann", "correct horse")


async def test_links_are_made_by_administrators(database, boss, people, ann, code_of) -> None:
    """Nobody else makes one, and there is none for a guest."""
    assert await code_of(issue_reset(database, people["owner"], ann.user.id)) == "forbidden"
    assert await code_of(issue_reset(database, people["owner"], "u_nobody")) == "forbidden"
    assert await code_of(issue_reset(database, boss, people["owner"].id)) == "invalid"
    assert await code_of(issue_reset(database, boss, "u_nobody")) == "not_found"
