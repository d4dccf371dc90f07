"""Who sends a request, and from where."""

from __future__ import annotations

import httpx
import pytest

from hubbub.endpoints.names import Names


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


async def test_program_needs_no_origin(program) -> None:
    """A program gets in without an Origin, and has no more business with its cookie."""
    answer = await program.post("/v1/guests", json={"name": "Bot"})

    assert answer.status_code == 201
    assert (await program.post("/v1/guests", json={"name": "Bot 2"})).status_code == 403
    assert (await program.delete("/v1/session")).status_code == 403


async def test_bearer_needs_no_origin(program, guest) -> None:
    """A program that says its token is let in by it, from wherever, and whatever cookie it has."""
    ann, bob = await guest("Ann"), await guest("Bob")
    bearer = {"Authorization": f"Bearer {ann.token}"}
    program.cookies.set("hubbub_session", bob.token)
    first = await program.post("/v1/guests", json={"name": "Anna"}, headers=bearer)
    second = await program.get("/v1/me")
    third = await program.delete("/v1/session", headers=bearer | {"Origin": "http://evil.test"})

    assert (first.status_code, first.json()["me"]["id"]) == (200, ann.user.id)
    assert second.json()["me"]["name"] == "Bob"
    assert third.status_code == 204
    assert (await program.get("/v1/me", headers=bearer)).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer useless", "Basic YTpi", ""])
async def test_useless_authorization_is_nobody(program, header) -> None:
    """What is no token lets nobody in."""
    assert (await program.get("/v1/me", headers={"Authorization": header})).status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer  ", "Basic YTpi"])
async def test_empty_bearer_hides_no_cookie(browser, header) -> None:
    """What is no token doesn't let another page's script use the cookie."""
    await browser.post("/v1/guests", json={"name": "Ann"})
    foreign = {"Authorization": header, "Origin": "http://evil.test"}
    answer = await browser.post("/v1/guests", json={"name": "Eve"}, headers=foreign)

    assert answer.status_code == 403
    assert (await browser.get("/v1/me")).json()["me"]["name"] == "Ann"


async def test_public_url_is_what_counts(make_chat) -> None:
    """Behind a proxy at HTTPS, the page is at the public address, and the cookie stays on HTTPS."""
    public_url = "https://chat.test"
    application = make_chat(public_url, Names("127.0.0.1", "machine", public_url))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as client:
        inside = await client.post("/v1/guests", json={"name": "Eve"}, headers={"Origin": "http://chat.test"})
        public = await client.post(
            "/v1/guests", json={"name": "Ann"}, headers={"Origin": "https://chat.test"}
        )

    assert (inside.status_code, public.status_code) == (403, 201)
    assert "; Secure" in public.headers["set-cookie"]
