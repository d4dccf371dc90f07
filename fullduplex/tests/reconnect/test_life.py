"""A life over several connections: what is waited for, what is told, and what ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from fullduplex.close import Close
from fullduplex.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Response
from fullduplex.reconnect import Connected, Connecting, Reconnect, ReconnectState, Stopped, Waiting
from fullduplex.reconnect.life import Life, Pace, called, connections, fresh_headers

logger = logging.getLogger("test.reconnect")


def refusal(seconds: str) -> InvalidStatus:
    """Return a refusal for so long."""
    return InvalidStatus(Response(503, headers=Headers({"Retry-After": seconds})))


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


def delays() -> Iterator[float]:
    """Yield some delays, and end."""
    yield from (1.0, 2.0, 4.0)


def paced(**options: Any) -> Pace:
    """Return a pace with these delays that judges no closing."""
    policy = Reconnect(delays=delays, process_close=lambda closed: None, **options)
    return Pace(policy, logger, lambda state: None)


async def test_failures_are_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """After each failure it waits as long as it is told, with one line in the log; in the end it raises."""
    pace = paced()
    with caplog.at_level(logging.INFO):
        await pace.wait_to_retry(OSError("no route"))
        await pace.wait_to_retry(refusal("30"))
        await pace.wait_to_retry(refusal("3"))
    assert now() == 1 + 30 + 4
    assert [record.getMessage() for record in caplog.records] == [
        "connecting again in 1.0 seconds: OSError: no route",
        f"connecting again in 30.0 seconds: InvalidStatus: {refusal('0')}",
        f"connecting again in 4.0 seconds: InvalidStatus: {refusal('0')}",
    ]
    last = OSError("last")
    with pytest.raises(OSError, match="last") as caught:
        await pace.wait_to_retry(last)
    assert caught.value is last


async def test_steady_connection_starts_anew() -> None:
    """A connection that stayed open for ten seconds makes the next delay the first again."""
    lost = ConnectionClosedError(None, None)
    pace = paced()
    await pace.wait_after(lost, 9.9)
    await pace.wait_after(lost, 0)
    assert now() == 1 + 2
    await pace.wait_after(lost, 10)

    assert now() == 3 + 1


async def test_own_close_waits_for_nothing() -> None:
    """After a connection that we closed there is no delay, and the next is the first again."""
    bye = Close(1000)
    pace = paced()
    await pace.wait_to_retry(OSError())
    await pace.wait_after(ConnectionClosedOK(bye, bye, False), 0)
    assert now() == 1
    # The server's close, be it ever so clean, is another thing.
    await pace.wait_after(ConnectionClosedOK(bye, bye, True), 0)
    assert now() == 1 + 1
    await pace.wait_after(ConnectionClosedError(Close(1011), bye, False), 0)

    assert now() == 2 + 2


async def test_cancelled_wait_ends() -> None:
    """Who stops waiting waits no more."""
    waiting = asyncio.ensure_future(paced().wait_to_retry(OSError()))
    await asyncio.sleep(0.5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert now() == 0.5


async def test_attempts_have_limit() -> None:
    """The last of the attempts in a row isn't waited after; one that held lets them be counted anew."""
    pace = paced(attempts=2)
    last = OSError("last")
    await pace.wait_to_retry(OSError())
    assert pace.attempt == 2
    with pytest.raises(OSError, match="last"):
        await pace.wait_to_retry(last)
    await pace.wait_after(ConnectionClosedError(None, None), 10)
    assert pace.attempt == 1
    await pace.wait_after(ConnectionClosedError(None, None), 9)
    assert pace.attempt == 2
    with pytest.raises(ConnectionClosedError):
        await pace.wait_after(ConnectionClosedError(None, None), 9)


async def test_calls_may_be_awaited() -> None:
    """Functions and coroutine functions are called alike."""

    async def later(number: int) -> int:
        return number + 1

    assert [await called(later, 1), await called(lambda number: number + 2, 1)] == [2, 3]


async def test_fresh_headers_replace_others() -> None:
    """Headers for an attempt come in place of those with the same name, whatever its case."""
    given = Headers([("Authorization", "old"), ("X-Kept", "1"), ("authorization", "older")])
    policy = Reconnect(headers=lambda: {"AUTHORIZATION": "new", "X-More": "2"})

    assert await fresh_headers(Reconnect(), given) is given
    assert list((await fresh_headers(policy, given)).raw_items()) == [
        ("X-Kept", "1"),
        ("AUTHORIZATION", "new"),
        ("X-More", "2"),
    ]


class End:
    """What the loop knows of a connection: how it will have ended, and after how many seconds."""

    def __init__(self, closed: ConnectionClosed, seconds: float = 0) -> None:
        self.codec = self
        self.close_exception = closed
        self.seconds = seconds


GONE = ConnectionClosedError(Close(1012), Close(1012), True)
DONE = ConnectionClosedOK(Close(1000), Close(1000), True)
OURS = ConnectionClosedOK(Close(1000), Close(1000), False)


def opener(*outcomes: Any) -> Callable[[], Awaitable[Any]]:
    """Return what opens these connections in turn, or fails so."""
    coming = iter(outcomes)

    async def open_connection() -> Any:
        outcome = next(coming)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return open_connection


async def lived(policy: Reconnect, *outcomes: Any) -> tuple[Life[Any], list[ReconnectState]]:
    """Return a life that met with these outcomes, and the states it told."""
    states: list[ReconnectState] = []
    life: Life[Any] = Life(policy, logger, states.append)
    await life.run(opener(*outcomes), lambda connection: asyncio.sleep(connection.seconds))
    return life, states


async def test_states_are_told_in_order() -> None:
    """Every change is told, with its attempt, its delay and its cause; Stopped is the last."""
    failure = OSError("no route")
    life, states = await lived(
        Reconnect(delays=delays), failure, End(GONE), End(GONE, 20), End(OURS, 1), End(DONE)
    )

    assert states == [
        Connecting(1),
        Waiting(1.0, 2, failure),
        Connecting(2),
        Connected(1),
        Waiting(2.0, 3, GONE),
        Connecting(3),
        Connected(2),
        Waiting(1.0, 1, GONE),
        Connecting(1),
        Connected(3),
        Connecting(1),
        Connected(4),
        Stopped(DONE),
    ]
    assert life.status == states[-1]
    assert life.lost is DONE
    assert life.connection is None


async def test_lasting_failure_stops_life() -> None:
    """A failure that won't pass ends it, as does what the policy makes of one, and the delays' end."""
    refused, other, gone = InvalidStatus(Response(403)), LookupError(), OSError()
    assert (await lived(Reconnect(), refused))[0].status == Stopped(refused)
    replaced = (await lived(Reconnect(process_exception=lambda _: other), refused))[0]
    assert replaced.status == Stopped(other)
    assert other.__cause__ is refused
    life, states = await lived(Reconnect(delays=lambda: iter([0.0])), OSError(), gone)
    assert life.status == Stopped(gone)
    assert states[-2] == Connecting(2)


async def test_waiting_keeps_no_frames() -> None:
    """The cause of a wait doesn't keep alive what it passed through."""
    _, states = await lived(Reconnect(delays=delays), OSError(), End(DONE))
    waiting = states[1]

    assert isinstance(waiting, Waiting)
    assert waiting.cause.__traceback__ is None


async def test_failing_hook_stops_nothing() -> None:
    """What ``on_state`` raises is told to the loop, and the life goes on."""
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def fail(state: ReconnectState) -> None:
        raise LookupError(state)

    life, states = await lived(Reconnect(on_state=fail), End(DONE))

    assert life.status == Stopped(DONE)
    assert [context["exception"].args[0] for context in reported] == states


async def test_closing_life_opens_no_more() -> None:
    """Once it is closing, the connection that ends is the last, and a wait that is cut short the end."""
    life: Life[Any] = Life(Reconnect(delays=delays), logger, lambda state: None)

    async def stay(connection: Any) -> None:
        life.is_closing = True

    await life.run(opener(End(GONE)), stay)
    assert life.status == Stopped(GONE)

    waiting: Life[Any] = Life(Reconnect(delays=delays), logger, lambda state: None)
    task = asyncio.ensure_future(waiting.run(opener(OSError()), stay))
    await asyncio.sleep(0.5)
    waiting.is_closing = True
    task.cancel()
    await task
    assert waiting.status == Stopped(None)


async def test_cancelled_life_stops() -> None:
    """Who cancels a life has it stopped, and hears of the cancelling."""
    life: Life[Any] = Life(Reconnect(), logger, lambda state: None)
    task = asyncio.ensure_future(
        life.run(opener(End(GONE, 100)), lambda connection: asyncio.sleep(connection.seconds))
    )
    await asyncio.sleep(1)
    assert life.connection is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert life.status == Stopped(None)
    assert life.connection is None


async def test_connections_come_one_by_one() -> None:
    """The loop yields each connection that opens, and raises what ends it."""
    ends = [End(GONE), End(DONE)]
    each: AsyncIterator[Any] = connections(Reconnect(delays=delays), opener(*ends), logger)
    assert [await anext(each), await anext(each)] == ends
    with pytest.raises(ConnectionClosedOK) as caught:
        await anext(each)

    assert caught.value is DONE


async def test_resume_is_told_number() -> None:
    """The hook is given the connection and its number, be it a coroutine function or not."""
    given: list[Any] = []

    async def resume(connection: Any, times: int) -> None:
        given.append((connection, times))

    for policy in (Reconnect(resume=resume), Reconnect(resume=lambda *pair: given.append(pair)), Reconnect()):
        await Life[Any](policy, logger, lambda state: None).resume("connection")

    assert given == [("connection", 1)] * 2
