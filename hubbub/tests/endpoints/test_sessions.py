"""Where one is signed in."""

from __future__ import annotations

import pytest

from hubbub.actions.authenticate import authenticate

COOKIE = "hubbub_session"
NEW = {"username": "ann", "password": "correct horse"}


@pytest.fixture
async def both(browser, program):
    """Sign Ann in by a browser and by a program."""
    agent = {"User-Agent": "Firefox"}
    await browser.post("/v1/accounts", json=NEW, headers=agent)
    token = (await program.post("/v1/session", json=NEW)).json()["token"]
    program.cookies.clear()
    program.headers["Authorization"] = f"Bearer {token}"
    return browser, program


async def list_sessions(client) -> list[dict]:
    """Ask where one is signed in."""
    return (await client.get("/v1/sessions")).json()["sessions"]


async def test_sessions_are_listed(both) -> None:
    """Someone sees where they are signed in, and which of it is here; nobody sees a token."""
    browser, program = both
    here, there = await list_sessions(browser), await list_sessions(program)

    labels = {"Firefox": True, program.headers["User-Agent"]: False}
    assert {each["label"]: each["own"] for each in here} == labels
    assert {each["label"]: not each["own"] for each in there} == labels
    assert here[0].keys() == {"id", "label", "created", "seen", "expires", "own"}
    assert browser.cookies[COOKIE] not in str(here)


async def test_session_is_revoked(both) -> None:
    """Someone signed in here ends what they are signed in by there."""
    browser, program = both
    [other] = [each["id"] for each in await list_sessions(browser) if not each["own"]]
    answer = await browser.delete(f"/v1/sessions/{other}")

    assert answer.status_code == 204
    assert (await program.get("/v1/me")).status_code == 401
    assert (await browser.delete(f"/v1/sessions/{other}")).status_code == 404


async def test_others_sessions_are_not_found(both, guest) -> None:
    """Nobody ends another's session, or sees it."""
    browser, program = both
    other = (await list_sessions(browser))[0]["id"]
    program.headers["Authorization"] = f"Bearer {(await guest('Bob')).token}"

    assert (await program.delete(f"/v1/sessions/{other}")).status_code == 404
    assert len(await list_sessions(program)) == 1


async def test_new_password_ends_the_others(both, database, loop_clock) -> None:
    """Who changes the password stays in here, and is out everywhere else."""
    browser, program = both
    answer = await browser.put("/v1/password", json={"old": "correct horse", "new": "battery staple"})

    assert answer.status_code == 204
    assert (await program.get("/v1/me")).status_code == 401
    assert await authenticate(database, browser.cookies[COOKIE]) is not None
    del program.headers["Authorization"]
    await loop_clock.advance(1_000.0)
    assert (await program.post("/v1/session", json=NEW)).status_code == 401
    assert (await program.post("/v1/session", json=NEW | {"password": "battery staple"})).status_code == 200


@pytest.mark.parametrize(
    "method,path", [("GET", "/v1/sessions"), ("DELETE", "/v1/sessions/x"), ("PUT", "/v1/password")]
)
async def test_nobody_has_no_sessions(browser, method, path) -> None:
    """Who isn't signed in is told so."""
    body = {"old": "correct horse", "new": "battery staple"} if method == "PUT" else None
    answer = await browser.request(method, path, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("method,path", [("DELETE", "/v1/sessions/x"), ("PUT", "/v1/password")])
async def test_other_page_is_refused(both, method, path) -> None:
    """A request from another page does nothing, cookie or not."""
    browser, _ = both

    answer = await browser.request(method, path, json={}, headers={"Origin": "http://evil.test"})

    assert answer.status_code == 403
