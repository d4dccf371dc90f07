"""Keeping people out of the chat."""

from __future__ import annotations

import pytest

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.check_disabled import is_disabled
from hubbub.actions.disable_user import disable_self, disable_user, enable_user
from hubbub.actions.give_server_role import give_server_role
from hubbub.actions.log_in import log_in
from hubbub.actions.make_administrator import make_administrator
from hubbub.actions.reset_password import issue_reset, reset_password
from hubbub.domain.events import SessionBarred, SessionRevoked
from hubbub.domain.models import ServerRole
from hubbub.storage import users


async def test_disabled_user_is_out(database, bus, passwords, boss, ann, heard, code_of) -> None:
    """Every connection goes at once and learns why; no password and no link lets them in; the name stays."""
    link = await issue_reset(database, boss, ann.user.id)
    heard.clear()
    for _ in range(2):
        await disable_user(database, bus, boss, ann.user.id)

    assert heard == [SessionBarred(digest_token(ann.token).hex())]
    assert await authenticate(database, ann.token) is None
    assert await is_disabled(database, ann.token)
    assert await code_of(log_in(database, bus, passwords, "ann", "correct horse")) == "forbidden"
    assert await code_of(log_in(database, bus, passwords, "ann", "wrong horse")) == "unauthorized"
    assert (
        await code_of(reset_password(database, bus, passwords, link.token, "battery staple")) == "not_found"
    )
    names = await database.read(lambda connection: users.names(connection, [ann.user.id]))
    assert names == {ann.user.id: "ann"}


async def test_enabled_user_signs_in_anew(database, bus, passwords, boss, ann, heard) -> None:
    """Who is let back knows the password; what they had open before stays shut."""
    await disable_user(database, bus, boss, ann.user.id)
    heard.clear()
    for _ in range(2):
        await enable_user(database, bus, boss, ann.user.id)

    assert heard == [SessionRevoked(digest_token(ann.token).hex())]
    assert await authenticate(database, ann.token) is None
    await log_in(database, bus, passwords, "ann", "correct horse")


async def test_own_account_is_given_up(database, bus, passwords, ann, guest, heard, code_of) -> None:
    """Its password is asked for; a guest has none."""
    assert await code_of(disable_self(database, bus, passwords, ann.user, "wrong horse")) == "forbidden"
    assert await authenticate(database, ann.token) == ann.user
    bob = (await guest("Bob")).user
    assert await code_of(disable_self(database, bus, passwords, bob, "")) == "forbidden"
    heard.clear()
    await disable_self(database, bus, passwords, ann.user, "correct horse")

    assert heard == [SessionBarred(digest_token(ann.token).hex())]
    assert await authenticate(database, ann.token) is None


async def test_last_administrator_stays(database, bus, passwords, ann, boss, code_of) -> None:
    """Nobody is kept out by themselves, and the last administrator can't go; before, they can."""
    await make_administrator(database, passwords, "ann", "correct horse")
    assert await code_of(disable_user(database, bus, boss, boss.id)) == "invalid"
    await give_server_role(database, bus, ann.user, boss.id, ServerRole.MEMBER)
    assert await code_of(disable_self(database, bus, passwords, ann.user, "correct horse")) == "invalid"
    await give_server_role(database, bus, ann.user, boss.id, ServerRole.ADMINISTRATOR)

    await disable_self(database, bus, passwords, ann.user, "correct horse")


@pytest.mark.parametrize("act", [disable_user, enable_user])
async def test_others_keep_nobody_out(database, bus, people, boss, code_of, act) -> None:
    """Who doesn't administer the chat does nothing here, and doesn't learn who there is."""
    for whom in (people["member"].id, "u_nobody", boss.id):
        assert await code_of(act(database, bus, people["owner"], whom)) == "forbidden"
    assert await code_of(act(database, bus, boss, "u_nobody")) == "not_found"
