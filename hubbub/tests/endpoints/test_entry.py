"""Coming in by a code, an invitation, or a link to a new password."""

from __future__ import annotations

import pytest

from hubbub.actions.authenticate import authenticate
from hubbub.actions.invitations import make_invite
from hubbub.actions.reset_password import issue_reset
from hubbub.domain.models import ServerRole, User

COOKIE = "hubbub_session"
BOSS = {"username": "boss", "password": "correct horse", "name": "Boss"}


@pytest.fixture
async def boss(browser, set_up) -> User:
    """Make the first administrator, by the browser."""
    answer = await browser.post("/v1/setup", json=BOSS | {"code": set_up.code})
    return User(answer.json()["me"]["id"], "Boss", "account")


async def test_first_administrator_is_made(browser, set_up, database) -> None:
    """Whoever has the code is the administrator, and in; then it is told that there is one."""
    code = set_up.code
    before = (await browser.get("/v1/entry")).json()
    wrong = await browser.post("/v1/setup", json=BOSS | {"code": "x" * 22})
    made = await browser.post("/v1/setup", json=BOSS | {"code": code})
    again = await browser.post("/v1/setup", json=BOSS | {"code": code})

    assert before == {"sign_up": "open", "guests": True, "members_invite": False, "set_up": False}
    assert (await browser.get("/v1/entry")).json()["set_up"] is True
    assert [answer.status_code for answer in (wrong, made, again)] == [403, 201, 403]
    assert made.json()["me"]["role"] == "administrator"
    assert (await browser.get("/v1/me")).json()["me"] == made.json()["me"]
    assert (await authenticate(database, browser.cookies[COOKIE])).role is ServerRole.ADMINISTRATOR


async def test_invitation_is_told_and_used(browser, program, database, boss) -> None:
    """Who has a link learns who invites them and whereto, and comes in by it once."""
    token = (await make_invite(database, boss, 60, 1, "r_lobby")).token
    await browser.post("/v1/call/settings.change", json={"sign_up": "invite", "guests": False})
    told = await program.post("/v1/invitation", json={"token": token})
    new = {"username": "bob", "password": "correct horse"}
    codes = [
        (await program.post("/v1/accounts", json=new)).status_code,
        (await program.post("/v1/guests", json={"name": "Bob"})).status_code,
        (await program.post("/v1/accounts", json=new | {"invite": token})).status_code,
    ]
    # With a cookie and without an Origin it is nobody's.
    program.cookies.clear()
    codes.append((await program.post("/v1/invitation", json={"token": token})).status_code)

    assert told.json()["by"] == "Boss"
    assert told.json()["room"] == "lobby"
    assert codes == [403, 403, 201, 404]
    assert (await program.get("/v1/entry")).json()["guests"] is False


async def test_password_is_reset(browser, program, database, boss) -> None:
    """A link lets in with another password, and ends whatever the old one had."""
    new = {"username": "bob", "password": "correct horse"}
    bob = (await program.post("/v1/accounts", json=new)).json()
    token = (await issue_reset(database, boss, bob["me"]["id"])).token
    program.cookies.clear()
    done = await program.post("/v1/reset", json={"token": token, "password": "battery staple"})
    program.cookies.clear()
    again = await program.post("/v1/reset", json={"token": token, "password": "battery staple"})

    assert (done.status_code, again.status_code) == (200, 404)
    assert done.json()["me"]["id"] == bob["me"]["id"]
    assert await authenticate(database, bob["token"]) is None
    assert await authenticate(database, done.json()["token"]) is not None


async def test_account_is_given_up(browser, program) -> None:
    """By its password, and then nobody is in by it."""
    new = {"username": "bob", "password": "correct horse"}
    await browser.post("/v1/accounts", json=new)
    wrong = await browser.post("/v1/deactivation", json={"password": "wrong horse"})
    right = await browser.post("/v1/deactivation", json={"password": "correct horse"})

    assert (wrong.status_code, right.status_code) == (403, 204)
    assert (await browser.get("/v1/me")).status_code == 401
    refused = await program.post("/v1/session", json=new)
    assert (refused.status_code, refused.json()["error"]["msg"]) == (403, "This account is disabled.")


@pytest.mark.parametrize("path", ["/v1/setup", "/v1/invitation", "/v1/reset"])
async def test_tries_are_counted(program, path) -> None:
    """Whoever tries too often has to wait; another page's script may not try at all."""
    body = BOSS | {"code": "x", "token": "x"}
    foreign = await program.post(path, json=body, headers={"Origin": "http://evil.test"})
    codes = [(await program.post(path, json=body)).status_code for _ in range(5)]

    assert foreign.status_code == 403
    assert codes[-1] == 429
    assert 429 not in codes[:4]
