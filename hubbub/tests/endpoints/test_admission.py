"""Who may ask, and how often."""

from __future__ import annotations

ROOM = "/v1/s/r_lobby/messages"


async def write(client, n: int) -> int:
    """Post a message, and return the status."""
    nonce = {"Idempotency-Key": f"nonce-no-{n}"}
    return (await client.post(ROOM, json={"text": "hi"}, headers=nonce)).status_code


async def test_nobody_is_let_in(program) -> None:
    """Without a token, or with one that is worth nothing, there is nothing to read or write."""
    for headers in ({}, {"Authorization": "Bearer useless"}):
        program.headers.update(headers)
        answers = [await program.get(ROOM), await program.get("/v1/me")]
        assert [answer.status_code for answer in answers] == [401, 401]
        assert await write(program, 1) == 401


async def test_flood_of_writes_is_stopped(ann, enter, loop_clock) -> None:
    """Who writes too much is told when to go on; others write on, and reading isn't writing."""
    statuses = [await write(ann, n) for n in range(11)]
    refused = await ann.post(ROOM, json={"text": "hi"}, headers={"Idempotency-Key": "nonce-no-10"})

    assert statuses == [201] * 10 + [429]
    assert 0 < int(refused.headers["retry-after"]) <= 100
    assert 0 < refused.json()["error"]["after"] <= 100_000
    assert (await ann.get(ROOM)).status_code == 200
    assert await write(await enter("Bob"), 1) == 201
    await loop_clock.advance(100.0)
    assert await write(ann, 10) == 201


async def test_all_writes_count(ann) -> None:
    """Another name and the end of a session are writes as well: rooms are told, and the disk."""
    answers = [await ann.post("/v1/guests", json={"name": f"Ann {n}"}) for n in range(5)]
    answers += [await ann.delete("/v1/sessions/x") for _ in range(5)]
    refused = [await ann.post("/v1/guests", json={"name": "Anna"}), await ann.delete("/v1/sessions/x")]

    assert [answer.status_code for answer in answers] == [200] * 5 + [404] * 5
    assert [answer.status_code for answer in refused] == [429, 429]


async def test_writes_of_all_ways_count_together(ann, enter, turnstile, loop_clock) -> None:
    """What an address has written on WebSockets is written; who is refused for it loses nothing."""
    while not turnstile.count_write("u_bob", "127.0.0.1"):
        pass
    statuses = [await write(ann, 1), await write(await enter("Eve"), 1)]
    await loop_clock.advance(200.0)
    statuses += [await write(ann, n) for n in range(3)]

    assert statuses == [429, 429, 201, 201, 429]


async def test_flood_of_reads_is_stopped(ann) -> None:
    """Who reads too much is told so."""
    statuses = [(await ann.get(ROOM)).status_code for _ in range(20)]
    refused = [(await ann.get(path)).status_code for path in (ROOM, "/v1/sessions")]

    assert statuses == [200] * 20
    assert refused == [429, 429]
