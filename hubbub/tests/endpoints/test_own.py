"""What is one's own, over HTTP."""

from __future__ import annotations

ROOM = "/v1/s/r_lobby"


async def test_rooms_and_marks_are_told(ann, enter) -> None:
    """One learns who one is, where one is, what waits there, and where one's streams are."""
    bob = await enter("Bob")
    posted = await bob.post(f"{ROOM}/messages", json={"text": "hi"}, headers={"Idempotency-Key": "nonce-01"})
    me = (await ann.get("/v1/me")).json()

    assert me["me"].keys() == {"id", "name", "kind"}
    assert [(room["id"], room["role"]) for room in me["rooms"]] == [("r_lobby", "member")]
    assert me["marks"]["r_lobby"]["unread"] == 1
    assert me["heads"].keys() == {"me", "r_lobby"}
    assert me["heads"]["r_lobby"][1] == posted.json()["q"]


async def test_reading_is_told(ann, enter) -> None:
    """Who says how far they have read is told what waits; back only if they say so."""
    bob = await enter("Bob")
    for n in range(2):
        nonce = {"Idempotency-Key": f"nonce-no-{n}"}
        posted = await bob.post(f"{ROOM}/messages", json={"text": "hi"}, headers=nonce)
    q = posted.json()["q"]
    unread = [
        (await ann.put(f"{ROOM}/read", json=wish)).json()["unread"]
        for wish in ({"q": q - 1}, {"q": q}, {"q": 1}, {"q": 1, "back": True})
    ]

    assert unread == [1, 0, 0, 2]
    assert (await ann.put(f"{ROOM}/read", json={"q": -1})).status_code == 422
    assert (await ann.put("/v1/s/r_nowhere/read", json={"q": 1})).status_code == 404
