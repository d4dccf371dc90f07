"""Connecting again: which failures may pass, and how long to wait."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import itertools
import logging
import random
import ssl
from collections.abc import Iterator

import pytest

from fullduplex.aio.reconnect import Pace, backoff, process_exception, retry_after
from fullduplex.close import Close
from fullduplex.exceptions import (
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    NegotiationError,
    ProxyError,
    SecurityError,
)
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Response

virtual = pytest.mark.asyncio(loop_factories=["virtual"])
logger = logging.getLogger("test.reconnect")


def caused(error: Exception, cause: Exception) -> Exception:
    """Return an exception with a cause."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "failure",
    [
        OSError("no route"),
        ConnectionRefusedError(),
        ssl.SSLError(),
        TimeoutError(),
        caused(InvalidMessage("cut"), EOFError()),
        caused(InvalidMessage("cut"), ConnectionResetError()),
        caused(InvalidProxyMessage("cut"), EOFError()),
        caused(ProxyError("refused"), ConnectionError()),
        *(InvalidStatus(Response(status)) for status in (429, 500, 502, 503, 504)),
        InvalidProxyStatus(Response(502)),
    ],
    ids=repr,
)
def test_passing_failure_is_retried(failure: Exception) -> None:
    """What the network does, and what servers and proxies say of a bad moment, may pass."""
    assert process_exception(failure) is None


@pytest.mark.parametrize(
    "failure",
    [
        InvalidMessage("malformed"),
        caused(InvalidMessage("malformed"), ValueError()),
        InvalidHeader("Upgrade"),
        NegotiationError("no"),
        InvalidHandshake("no"),
        SecurityError("no"),
        ProxyError("not allowed"),
        InvalidURI("x", "no"),
        InvalidProxy("x", "no"),
        ValueError("no"),
        *(InvalidStatus(Response(status)) for status in (200, 301, 400, 401, 403, 404, 426, 501, 505)),
        InvalidProxyStatus(Response(407)),
    ],
    ids=repr,
)
def test_lasting_failure_is_raised(failure: Exception) -> None:
    """Everything else is likely to happen again."""
    assert process_exception(failure) is failure


def test_delays_are_full_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each delay is anything from nothing to a bound, which doubles up to the longest (7.2.3)."""
    bounds = []

    def uniform(low: float, high: float) -> float:
        bounds.append((low, high))
        return high / 2

    monkeypatch.setattr(random, "uniform", uniform)
    delays = list(itertools.islice(backoff(), 8))

    assert bounds == [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (0, 32), (0, 60), (0, 60)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert list(itertools.islice(backoff(3, 10), 3)) == [1.5, 3, 5]


def test_delays_never_end() -> None:
    """However often it fails, there is a delay within the bounds."""
    assert all(0 <= delay <= 60 for delay in itertools.islice(backoff(), 5000))


def refusal(*values: str) -> InvalidStatus:
    """Return a refusal with these lines of Retry-After."""
    return InvalidStatus(Response(503, headers=Headers([("Retry-After", value) for value in values])))


@pytest.mark.parametrize(
    "failure, seconds",
    [
        (refusal("5"), 5),
        (refusal("0"), 0),
        (refusal("61"), 60),
        (refusal("9" * 400), 60),
        (refusal("-5"), 0),
        (refusal("1.5"), 0),
        (refusal("٣"), 0),
        (refusal("soon"), 0),
        (refusal(""), 0),
        (refusal("5", "6"), 0),
        (refusal("Sun, 06 Nov 1994 08:49:37 GMT"), 0),
        (refusal("Wed, 31 Dec 9999 23:59:59 GMT"), 60),
        (refusal("Wed, 99 Dec 9999 23:59:59 GMT"), 0),
        (refusal(), 0),
        (InvalidProxyStatus(Response(503, headers=Headers({"Retry-After": "7"}))), 7),
        (OSError(), 0),
    ],
    ids=range(16),
)
def test_retry_after_is_read(failure: Exception, seconds: float) -> None:
    """Retry-After counts in seconds or is a date, and nonsense in it asks for nothing."""
    assert retry_after(failure) == seconds


def test_retry_after_may_be_a_date() -> None:
    """A date that is near asks to wait until then."""
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)

    assert 20 < retry_after(refusal(email.utils.format_datetime(then, usegmt=True))) <= 30


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


def delays() -> Iterator[float]:
    """Yield some delays, and end."""
    yield from (1.0, 2.0, 4.0)


@virtual
async def test_failures_are_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """After each failure it waits as long as it is told, with one line in the log; in the end it raises."""
    pace = Pace(delays, logger)
    with caplog.at_level(logging.INFO):
        await pace.wait_to_retry(OSError("no route"))
        await pace.wait_to_retry(refusal("30"))
        await pace.wait_to_retry(refusal("3"))
    assert now() == 1 + 30 + 4
    assert [record.getMessage() for record in caplog.records] == [
        "connecting again in 1.0 seconds: OSError: no route",
        f"connecting again in 30.0 seconds: InvalidStatus: {refusal()}",
        f"connecting again in 4.0 seconds: InvalidStatus: {refusal()}",
    ]
    last = OSError("last")
    with pytest.raises(OSError, match="last") as caught:
        await pace.wait_to_retry(last)
    assert caught.value is last


@virtual
async def test_steady_connection_starts_anew() -> None:
    """A connection that stayed open for ten seconds makes the next delay the first again."""
    lost = ConnectionClosedError(None, None)
    pace = Pace(delays, logger)
    await pace.wait_after(lost, 9.9)
    await pace.wait_after(lost, 0)
    assert now() == 1 + 2
    await pace.wait_after(lost, 10)

    assert now() == 3 + 1


@virtual
async def test_own_close_waits_for_nothing() -> None:
    """After a connection that we closed there is no delay, and the next is the first again."""
    bye = Close(1000)
    pace = Pace(delays, logger)
    await pace.wait_to_retry(OSError())
    await pace.wait_after(ConnectionClosedOK(bye, bye, False), 0)
    assert now() == 1
    # The server's close, be it ever so clean, is another thing.
    await pace.wait_after(ConnectionClosedOK(bye, bye, True), 0)
    assert now() == 1 + 1
    await pace.wait_after(ConnectionClosedError(Close(1011), bye, False), 0)

    assert now() == 2 + 2


@virtual
async def test_cancelled_wait_ends() -> None:
    """Who stops waiting waits no more."""
    waiting = asyncio.ensure_future(Pace(delays, logger).wait_to_retry(OSError()))
    await asyncio.sleep(0.5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert now() == 0.5
