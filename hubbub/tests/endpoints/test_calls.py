"""Methods over HTTP."""

from __future__ import annotations

import pytest

from hubbub import wire


def nonce(name: str) -> dict[str, str]:
    """Return the header with a nonce."""
    return {"Idempotency-Key": f"nonce-no-{name}"}


async def test_room_is_made_once(ann, enter) -> None:
    """A room is made, found, entered and left, each once for its nonce."""
    bob = await enter("Bob")
    made = [
        (await ann.post("/v1/call/room.create", json={"name": "tea"}, headers=nonce("1"))).json()["room"]
        for _ in range(2)
    ]
    room = {"s": made[0]["id"]}
    listed = (await bob.post("/v1/call/room.list", json={})).json()["rooms"]
    joined = (await bob.post("/v1/call/room.join", json=room, headers=nonce("1"))).json()
    members = (await ann.post("/v1/call/member.list", json=room)).json()["members"]
    left = await bob.post("/v1/call/room.leave", json=room, headers=nonce("2"))

    assert made[0] == made[1]
    assert made[0]["role"] == "owner"
    assert room["s"] in [each["room"]["id"] for each in listed]
    assert joined["room"] == made[0] | {"role": "member"}
    assert {member["name"]: member["role"] for member in members} == {"Ann": "owner", "Bob": "member"}
    assert left.json().keys() == {"q", "ts"}


async def test_own_session_is_told(ann) -> None:
    """The session that asks is known as one's own, and can be revoked."""
    [session] = (await ann.post("/v1/call/session.list", json={})).json()["sessions"]
    revoked = await ann.post("/v1/call/session.revoke", json={"id": session["id"]})

    assert session["own"] is True
    assert (revoked.status_code, revoked.json()) == (200, {})
    assert (await ann.post("/v1/call/session.list", json={})).status_code == 401


@pytest.mark.parametrize("name", [name for name, method in wire.METHODS.items() if method.writes])
async def test_writing_needs_a_nonce(ann, name) -> None:
    """A method that writes isn't done without a nonce."""
    answer = await ann.post(f"/v1/call/{name}", json={"s": "r_lobby", "user": "u_x", "role": "owner"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


async def test_senseless_call_is_refused(ann) -> None:
    """Other parameters than a method takes are refused, and methods that there aren't."""
    wrong = await ann.post("/v1/call/member.list", json={"s": 7})
    missing = await ann.post("/v1/call/room.burn", json={})

    assert (wrong.status_code, missing.status_code) == (422, 404)


async def test_others_page_calls_nothing(browser) -> None:
    """With a cookie, only our own page may call."""
    await browser.post("/v1/guests", json={"name": "Ann"})
    foreign = {"Origin": "http://evil.test"}

    assert (await browser.post("/v1/call/room.list", json={}, headers=foreign)).status_code == 403
    assert (await browser.post("/v1/call/room.list", json={})).status_code == 200
