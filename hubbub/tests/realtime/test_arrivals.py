"""Finding out who says hello."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.authenticate import digest_token
from hubbub.domain.errors import ChatError, Code
from hubbub.realtime import arrivals as module
from hubbub.realtime.arrivals import TOGETHER, Arrivals


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """Return how many are looked for together, as they are."""
    counts: list[int] = []
    real = module.authenticate_all

    async def authenticate_all(database, digests):
        counts.append(len(digests))
        return await real(database, digests)

    monkeypatch.setattr(module, "authenticate_all", authenticate_all)
    return counts


async def test_each_is_found(database, guest, asked) -> None:
    """Everybody who comes at once is who they are, even twice, and nobody else is anyone."""
    ann, bob = await guest("Ann"), await guest("Bob")
    tokens = [ann.token, "wrong", bob.token, ann.token]
    arrivals = Arrivals(database)
    found = await asyncio.gather(*(arrivals.find(digest_token(token)) for token in tokens))

    assert [each and each.user.name for each in found] == ["Ann", None, "Bob", "Ann"]
    assert asked == [3]


async def test_crowd_shares_queries(database, guest, asked) -> None:
    """Who comes while the database is read shares the next query, but not with everybody."""
    ann = await guest("Ann")
    arrivals = Arrivals(database)
    digests = [digest_token(str(number)) for number in range(TOGETHER + 10)]
    first = asyncio.create_task(arrivals.find(digest_token(ann.token)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    found = await asyncio.gather(*map(arrivals.find, digests))

    assert (await first).user == ann.user
    assert found == [None] * len(digests)
    assert asked == [1, TOGETHER, 10]


async def test_who_gives_up_stops_nobody(database, guest, asked) -> None:
    """Others are found though somebody who waits for the same query has gone."""
    ann = await guest("Ann")
    arrivals = Arrivals(database)
    tasks = [asyncio.create_task(arrivals.find(digest_token(ann.token))) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()

    assert (await tasks[1]).user == ann.user


async def test_failure_is_everyones(database, guest, monkeypatch) -> None:
    """When the database fails, all who wait hear of it, and who comes later is found."""
    ann = await guest("Ann")
    arrivals = Arrivals(database)

    async def fail(*_args):
        raise ChatError(Code.UNAVAILABLE)

    with monkeypatch.context() as patch:
        patch.setattr(module, "authenticate_all", fail)
        tasks = [asyncio.create_task(arrivals.find(digest_token(ann.token))) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert [each.code for each in outcomes[1:]] == [Code.UNAVAILABLE] * 2
    assert (await arrivals.find(digest_token(ann.token))).user == ann.user
