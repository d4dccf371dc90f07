"""How often one may come in."""

from __future__ import annotations

import httpx


async def test_flood_of_guests_is_stopped(program, loop_clock) -> None:
    """One guest too many is told when to come back, and is let in then."""
    flood = [await enter(program) for _ in range(4)]
    await loop_clock.advance(100.0)
    later = await enter(program)

    assert [answer.status_code for answer in flood] == [201, 201, 201, 429]
    assert 0 < int(flood[3].headers["retry-after"]) <= 100
    assert "set-cookie" not in flood[3].headers
    error = flood[3].json()["error"]
    assert error["code"] == "too_many_requests"
    assert 0 < error["after"] <= 100_000
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


async def guess(client: httpx.AsyncClient, username: str) -> httpx.Response:
    """Try a password."""
    client.cookies.clear()
    return await client.post("/v1/session", json={"username": username, "password": "wrong horse"})


async def test_accounts_are_newcomers(program) -> None:
    """Who makes accounts is counted as who lets guests in."""
    flood = []
    for n in range(4):
        program.cookies.clear()
        new = {"username": f"bot-{n}", "password": "correct horse"}
        flood.append(await program.post("/v1/accounts", json=new))

    assert [answer.status_code for answer in flood] == [201, 201, 201, 429]


async def test_guesses_at_one_password_are_stopped(application, program, loop_clock) -> None:
    """One guess too many is told when to come back, from wherever, whatever the username looks like."""
    there = httpx.ASGITransport(application, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=there, base_url="http://chat.test") as elsewhere:
        answers = [
            await guess(program, "ann"),
            await guess(elsewhere, " ANN"),
            await guess(elsewhere, "ann"),
            await guess(elsewhere, "bob"),
        ]
    await loop_clock.advance(100.0)

    assert [answer.status_code for answer in answers] == [401, 401, 429, 401]
    assert 0 < int(answers[2].headers["retry-after"]) <= 100
    assert (await guess(program, "ann")).status_code == 401


async def test_guesses_of_one_sender_are_stopped(application, program) -> None:
    """Who tries many usernames is stopped, and nobody else."""
    answers = [await guess(program, f"user-{n}") for n in range(5)]
    there = httpx.ASGITransport(application, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=there, base_url="http://chat.test") as elsewhere:
        other = await guess(elsewhere, "user-9")

    assert [answer.status_code for answer in answers] == [401] * 4 + [429]
    assert other.status_code == 401


async def test_old_password_is_not_guessed(browser) -> None:
    """Who is signed in can't guess at the password either."""
    await browser.post("/v1/accounts", json={"username": "ann", "password": "correct horse"})
    wish = {"old": "wrong horse", "new": "battery staple"}
    answers = [await browser.put("/v1/password", json=wish) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [403, 403, 429]
