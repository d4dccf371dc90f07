"""Signing in, being someone, signing out."""

from __future__ import annotations

import pytest

from hubbub.actions.authenticate import authenticate
from hubbub.domain.events import SessionRevoked

COOKIE = "hubbub_session"


async def test_guest_is_let_in(browser, database) -> None:
    """A name is enough; the browser gets a cookie, and is someone from then on."""
    nobody = await browser.get("/v1/me")
    answer = await browser.post("/v1/guests", json={"name": " 小林 "})
    someone = await browser.get("/v1/me")

    assert nobody.status_code == 401
    assert nobody.json()["error"]["code"] == "unauthorized"
    assert answer.status_code == 201
    assert answer.json()["me"] == someone.json()["me"]
    assert answer.json().keys() == {"me"}
    assert answer.json()["me"].keys() == {"id", "name", "kind"}
    assert (answer.json()["me"]["name"], answer.json()["me"]["kind"]) == ("小林", "guest")
    assert (await authenticate(database, browser.cookies[COOKIE])).name == "小林"


async def test_known_guest_is_renamed(browser) -> None:
    """Who is someone already stays the same under the new name."""
    first = await browser.post("/v1/guests", json={"name": "Ann"})
    second = await browser.post("/v1/guests", json={"name": "Anna"})

    assert second.status_code == 200
    assert second.json()["me"] == first.json()["me"] | {"name": "Anna"}
    assert "set-cookie" not in second.headers


async def test_useless_cookie_is_replaced(browser) -> None:
    """A cookie that is worth nothing doesn't keep anyone out."""
    browser.cookies.set(COOKIE, "useless")
    answer = await browser.post("/v1/guests", json={"name": "Ann"})

    assert answer.status_code == 201
    assert answer.cookies[COOKIE] != "useless"


async def test_sign_out_ends_it(browser, database, heard) -> None:
    """The session is over, everywhere, and the browser forgets it."""
    await browser.post("/v1/guests", json={"name": "Ann"})
    token = browser.cookies[COOKIE]
    answer = await browser.delete("/v1/session")

    assert answer.status_code == 204
    assert COOKIE not in browser.cookies
    assert await authenticate(database, token) is None
    assert isinstance(heard[-1], SessionRevoked)
    assert (await browser.delete("/v1/session")).status_code == 204


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\u202eb", "a\x00b"])
async def test_bad_name_is_refused(browser, name) -> None:
    """What can't be a name is told so."""
    answer = await browser.post("/v1/guests", json={"name": name})

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"
    assert COOKIE not in browser.cookies


async def test_more_fields_have_no_effect(browser) -> None:
    """Whatever else is asked for, a guest is a guest with an id of ours."""
    wish = {"name": "Ann", "id": "u_boss", "kind": "admin", "is_admin": True}
    me = (await browser.post("/v1/guests", json=wish)).json()["me"]

    assert me["kind"] == "guest"
    assert me["id"] != "u_boss"


async def test_account_is_made_and_found(browser, program, database) -> None:
    """Who registers is in at once, and comes in again from elsewhere by the password."""
    made = await browser.post("/v1/accounts", json={"username": "Ann.Lee", "password": "correct horse"})
    found = await program.post("/v1/session", json={"username": "ANN.lee", "password": "correct horse"})

    assert (made.status_code, found.status_code) == (201, 200)
    me = {"id": made.json()["me"]["id"], "name": "Ann.Lee", "kind": "account", "username": "ann.lee"}
    assert made.json() == {"me": me}
    assert found.json()["me"] == made.json()["me"] == (await browser.get("/v1/me")).json()["me"]
    tokens = {browser.cookies[COOKIE], found.json()["token"]}
    assert [(await authenticate(database, token)).name for token in tokens] == ["Ann.Lee"] * 2


async def test_wrong_credentials_look_alike(browser) -> None:
    """A wrong password and an unknown username get the same answer, and no cookie."""
    await browser.post("/v1/accounts", json={"username": "ann", "password": "correct horse"})
    browser.cookies.clear()
    answers = [
        await browser.post("/v1/session", json={"username": username, "password": "wrong horse"})
        for username in ("ann", "nobody", "no username")
    ]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert len({answer.content for answer in answers}) == 1
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("username,password", [("a", "correct horse"), ("ann", "short"), ("ann", "x" * 257)])
async def test_bad_account_is_refused(browser, username, password) -> None:
    """What can't be a username or a password is told so."""
    answer = await browser.post("/v1/accounts", json={"username": username, "password": password})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
    assert COOKIE not in browser.cookies


async def test_new_session_ends_old_one(browser, database, heard) -> None:
    """Whoever knew the token that someone had before can do nothing by it afterwards."""
    await browser.post("/v1/accounts", json={"username": "ann", "password": "correct horse"})
    old = browser.cookies[COOKIE]
    answer = await browser.post("/v1/session", json={"username": "ann", "password": "correct horse"})

    assert await authenticate(database, old) is None
    assert isinstance(heard[-1], SessionRevoked)
    assert answer.cookies[COOKIE] != old
    assert (await browser.get("/v1/me")).status_code == 200


async def test_only_programs_see_tokens(browser, program) -> None:
    """A page's script never gets to see what the cookie says; a program is told."""
    shown = await browser.post("/v1/guests", json={"name": "Ann"})
    told = await program.post("/v1/guests", json={"name": "Bot"})

    assert "token" not in shown.json()
    assert told.json()["token"] == told.cookies[COOKIE]


async def test_failed_log_in_changes_nothing(browser) -> None:
    """Who is in, and gets a password wrong, stays who they are."""
    await browser.post("/v1/guests", json={"name": "Ann"})
    answer = await browser.post("/v1/session", json={"username": "ann", "password": "wrong horse"})

    assert answer.status_code == 401
    assert (await browser.get("/v1/me")).json()["me"]["name"] == "Ann"
