"""The load of a benchmark: what it sends, what it checks, and what it charges to whom."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from fullduplex.cli.load import VARIETY, Load, LoadConnection, Plan
from fullduplex.close import CloseCode
from fullduplex.testing import ConnectionPair, connection_pair

from ..aio.ends import echo

pytestmark = pytest.mark.asyncio(loop_factories=["virtual"])


@pytest.fixture(autouse=True)
def virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the load read the virtual clock."""
    monkeypatch.setattr(time, "perf_counter_ns", lambda: round(asyncio.get_event_loop().time() * 1e9))


def loaded(handler: Any = echo) -> Any:
    """Return a pair whose client is one of a load's connections."""
    return connection_pair(handler, client={"create_connection": LoadConnection})


def load_of(plan: Plan, *pairs: ConnectionPair) -> Load:
    """Return a load on the connections of pairs."""
    load = Load(plan)
    for pair in pairs:
        assert isinstance(pair.client, LoadConnection)
        load.add(pair.client)
    return load


@pytest.mark.parametrize("is_binary", [False, True])
@pytest.mark.parametrize("size", [1, 2, 63, 64, 1000])
async def test_payloads_differ(size: int, is_binary: bool) -> None:
    """Payloads have their size, are text if they are to be, and differ where there is room for it."""
    payloads = Plan(size=size, is_binary=is_binary).payloads()

    assert {len(payload) for payload in payloads} == {size}
    assert is_binary or all(payload.isascii() for payload in payloads)
    assert size < 63 or len(set(payloads)) == VARIETY


@pytest.mark.parametrize("is_binary", [False, True])
async def test_each_answer_sends_the_next(is_binary: bool) -> None:
    """As many messages as may be are on their way at any time, and each is timed."""
    arrived: list[Any] = []

    async def note(connection: Any) -> None:
        async for message in connection:
            arrived.append(message)
            await connection.send(message)

    async with loaded(note) as pair:
        pair.to_server.delay = pair.to_client.delay = 0.5
        load = load_of(Plan(in_flight=3, is_binary=is_binary), pair)
        load.start()
        assert load.unanswered == 3
        await asyncio.sleep(10.25)

        assert (load.returned, load.histogram.count, load.unanswered) == (30, 30, 3)
        assert load.histogram.percentile(50) == load.histogram.most == 1_000_000_000
        assert not load.failure.done()
        assert {type(message) for message in arrived} == {bytes if is_binary else str}

        load.measure()
        assert (load.returned, load.histogram.count) == (30, 0)
        load.stop()
        await asyncio.sleep(5)
        assert load.unanswered == 0


async def test_schedule_is_kept() -> None:
    """With a rate, messages go out at their time, in turn on each connection."""
    async with loaded() as one, loaded() as two:
        one.to_client.delay = two.to_client.delay = 0.25
        load = load_of(Plan(rate=100, in_flight=1000), one, two)
        load.start()
        await asyncio.sleep(10)

        assert load.returned == pytest.approx(975, abs=3)
        assert load.histogram.percentile(99.9) == pytest.approx(0.25e9, rel=0.02)
        assert [len(pair.client.due) for pair in (one, two)] == pytest.approx([12, 12], abs=2)
        load.stop()


async def test_stalls_are_charged() -> None:
    """Messages that a stall kept from going out count from when they were due: nothing is omitted."""
    async with loaded() as pair:
        load = load_of(Plan(rate=100, in_flight=1), pair)
        load.start()
        await asyncio.sleep(1)
        load.measure()
        pair.to_server.stall()
        await asyncio.sleep(10)
        assert load.unanswered == 1
        pair.to_server.resume()
        await asyncio.sleep(10)

        # 2000 were due in 20 seconds; the first thousand waited, for 5 seconds on average.
        assert load.histogram.count == pytest.approx(2000, abs=10)
        assert load.histogram.percentile(100) == pytest.approx(10e9, rel=0.02)
        assert load.histogram.mean == pytest.approx(2.75e9, rel=0.15)
        load.stop()


@pytest.mark.parametrize(
    "wrong",
    [lambda text: text[::-1], lambda text: text + "x", lambda text: text.encode()],
    ids=["changed", "longer", "binary"],
)
async def test_answers_are_compared(wrong: Any) -> None:
    """An answer that isn't what was sent ends the load, and says so."""

    async def change(connection: Any) -> None:
        async for message in connection:
            await connection.send(wrong(message))

    async with loaded(change) as pair:
        load = load_of(Plan(), pair)
        load.start()

        assert (await load.failure).startswith("what came back isn't what was sent")
        assert not load.is_eager


async def test_lost_messages_are_noticed() -> None:
    """If one of several on their way is left out, the next is out of place."""

    async def forget(connection: Any) -> None:
        await connection.recv()
        await echo(connection)

    async with loaded(forget) as pair:
        load = load_of(Plan(in_flight=2), pair)
        load.start()

        assert (await load.failure).startswith("what came back isn't what was sent")


async def test_unasked_messages_are_noticed() -> None:
    """So is a message that answers none."""

    async def chatter(connection: Any) -> None:
        await connection.send("welcome")
        await connection.wait_closed()

    async with loaded(chatter) as pair:
        load = load_of(Plan(rate=0.001), pair)
        load.start()

        assert (await load.failure).startswith("what came back isn't what was sent")


async def test_lost_connections_are_told() -> None:
    """A connection that closes while the load runs ends it; one that closes at the end doesn't."""
    async with loaded() as pair, loaded() as other:
        load = load_of(Plan(), pair, other)
        load.start()
        await pair.server.close(CloseCode.GOING_AWAY)

        assert (await load.failure).startswith("a connection was lost: received 1001")
    async with loaded() as pair:
        load = load_of(Plan(), pair)
        load.start()
        await load.close()

        assert not load.failure.done()
        assert pair.server.close_code == 1000


async def test_early_ends_are_told() -> None:
    """A connection that closes before the load takes it, or begins, ends the load as well."""
    async with loaded() as pair:
        await pair.client.close()
        load = load_of(Plan(), pair)

        assert (await load.failure).startswith("a connection was lost")
    async with loaded() as pair:
        load = load_of(Plan(), pair)
        await pair.server.close()
        load.start()

        assert (await load.failure).startswith("a connection was lost")
    async with loaded() as pair:
        load = load_of(Plan(), pair)
        pair.to_server.stall()
        pair.client.start_close()
        load.start()

        assert load.unanswered == 0
