"""Signing in, being someone, signing out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from hubbub.actions.authenticate import authenticate
from hubbub.domain.events import SessionRevoked
from hubbub.endpoints.application import make_application
from hubbub.endpoints.auth import Auth
from hubbub.endpoints.names import Names
from hubbub.endpoints.page import Page
from hubbub.realtime.bucket import Buckets

FOREIGN = {"Origin": "http://evil.test"}
COOKIE = "hubbub_session"


async def test_guest_is_let_in(browser, database) -> None:
    """A name is enough; the browser gets a cookie, and is someone from then on."""
    nobody = await browser.get("/v1/me")
    answer = await browser.post("/v1/guests", json={"name": " 小林 "})
    someone = await browser.get("/v1/me")

    assert nobody.status_code == 401
    assert nobody.json()["error"]["code"] == "unauthorized"
    assert answer.status_code == 201
    assert answer.json() == someone.json()
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


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"name":7}', b'{"name":{"$ne":1}}', b'{"nom":"x"}', b"\xff", b"[" * 3000]
)
async def test_bad_body_is_refused(browser, body) -> None:
    """What isn't a name in JSON is told so."""
    answer = await browser.post("/v1/guests", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


async def test_long_body_is_refused(browser) -> None:
    """Nobody's name takes so much."""
    answer = await browser.post("/v1/guests", json={"name": "Ann", "more": "x" * 5000})

    assert answer.status_code == 413


async def test_slow_body_is_refused(browser, monkeypatch) -> None:
    """A request that never ends is not waited for."""

    async def drip() -> AsyncIterator[bytes]:
        yield b'{"name":'
        await asyncio.Event().wait()

    monkeypatch.setattr("hubbub.endpoints.auth._PATIENCE", 0.0)
    headers = {"Content-Type": "application/json"}
    answer = await browser.post("/v1/guests", content=drip(), headers=headers)

    assert answer.status_code == 422


async def test_more_fields_have_no_effect(browser) -> None:
    """Whatever else is asked for, a guest is a guest with an id of ours."""
    wish = {"name": "Ann", "id": "u_boss", "kind": "admin", "is_admin": True}
    me = (await browser.post("/v1/guests", json=wish)).json()["me"]

    assert me["kind"] == "guest"
    assert me["id"] != "u_boss"


@pytest.mark.parametrize(
    "origin", ["http://evil.test", "null", "", "https://chat.test", "http://chat.test:81"]
)
async def test_other_page_is_refused(browser, origin) -> None:
    """A request from another page does nothing, cookie or not."""
    first = await browser.post("/v1/guests", json={"name": "Eve"}, headers={"Origin": origin})
    await browser.post("/v1/guests", json={"name": "Ann"})
    second = await browser.post("/v1/guests", json={"name": "Eve"}, headers={"Origin": origin})
    third = await browser.delete("/v1/session", headers={"Origin": origin})

    assert [each.status_code for each in (first, second, third)] == [403, 403, 403]
    assert (await browser.get("/v1/me")).json()["me"]["name"] == "Ann"


async def test_two_origins_are_none(program) -> None:
    """A request that names two pages is refused."""
    headers = [("Origin", "http://chat.test"), ("Origin", "http://chat.test")]

    assert (await program.post("/v1/guests", json={"name": "Eve"}, headers=headers)).status_code == 403


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_form_is_refused(browser, content_type) -> None:
    """What a form of another page could send does nothing."""
    answer = await browser.post(
        "/v1/guests", content=b'{"name":"Eve"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 403


async def test_program_needs_no_origin(program) -> None:
    """A program gets in without an Origin, and has no more business with its cookie."""
    answer = await program.post("/v1/guests", json={"name": "Bot"})

    assert answer.status_code == 201
    assert (await program.post("/v1/guests", json={"name": "Bot 2"})).status_code == 403
    assert (await program.delete("/v1/session")).status_code == 403


async def test_public_url_is_what_counts(database, bus, web) -> None:
    """Behind a proxy at HTTPS, the page is at the public address, and the cookie stays on HTTPS."""
    auth = Auth(database, bus, Buckets(3, 1.0), "https://chat.test")
    application = make_application(auth, Page(web), Names("127.0.0.1", "machine", "https://chat.test"))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as client:
        inside = await client.post("/v1/guests", json={"name": "Eve"}, headers={"Origin": "http://chat.test"})
        public = await client.post(
            "/v1/guests", json={"name": "Ann"}, headers={"Origin": "https://chat.test"}
        )

    assert (inside.status_code, public.status_code) == (403, 201)
    assert "; Secure" in public.headers["set-cookie"]


async def test_flood_of_guests_is_stopped(program, loop_clock) -> None:
    """One guest too many is told when to come back, and is let in then."""
    flood = [await enter(program) for _ in range(4)]
    await loop_clock.advance(1.0)
    later = await enter(program)

    assert [answer.status_code for answer in flood] == [201, 201, 201, 429]
    assert flood[3].headers["retry-after"] == "1"
    assert "set-cookie" not in flood[3].headers
    error = flood[3].json()["error"]
    assert error["code"] == "too_many_requests"
    assert 0 < error["after"] <= 1000
    assert later.status_code == 201


async def test_new_name_is_no_new_guest(browser) -> None:
    """Whoever is in may take other names, however many guests have come from there."""
    answers = [await browser.post("/v1/guests", json={"name": f"Ann {number}"}) for number in range(6)]

    assert [answer.status_code for answer in answers] == [201, *[200] * 5]


async def test_renaming_goes_on_in_a_flood(browser, program) -> None:
    """A flood keeps new guests out, and nobody's new name."""
    await browser.post("/v1/guests", json={"name": "Ann"})
    flood = [await enter(program) for _ in range(3)]
    renamed = await browser.post("/v1/guests", json={"name": "Anna"})

    assert [answer.status_code for answer in flood] == [201, 201, 429]
    assert renamed.status_code == 200


async def test_flood_is_its_senders_own(application, program) -> None:
    """Guests from another address are let in; a header doesn't make it another."""
    for _ in range(3):
        await enter(program)
    there = httpx.ASGITransport(application, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=there, base_url="http://chat.test") as elsewhere:
        other = await enter(elsewhere)
    same = await enter(program, {"X-Forwarded-For": "192.0.2.8", "Forwarded": "for=192.0.2.8"})

    assert (other.status_code, same.status_code) == (201, 429)


async def enter(client: httpx.AsyncClient, headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask for one guest more."""
    client.cookies.clear()
    answer = await client.post("/v1/guests", json={"name": "Bot"}, headers=headers)
    client.cookies.clear()
    return answer
