"""When a connection comes back: which failures may pass, which closings end it, how long to wait."""

from __future__ import annotations

import datetime as dt
import email.utils
import itertools
import random
import ssl

import pytest

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
from fullduplex.reconnect import Reconnect, backoff, process_close, process_exception
from fullduplex.reconnect.policy import retry_after


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


def server_closed(code: int | None) -> ConnectionClosedError:
    """Return how a connection ended that the server closed with a code; None for no Close frame."""
    if code is None:
        return ConnectionClosedError(None, None)
    return ConnectionClosedError(Close(code), Close(code), True)


def we_failed(code: int, answer: Close | None) -> ConnectionClosedError:
    """Return how a connection ended that we failed with a code."""
    return ConnectionClosedError(answer, Close(code), None if answer is None else False)


@pytest.mark.parametrize("code", [None, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 3008, 4000, 4999])
def test_passing_close_comes_back(code: int | None) -> None:
    """What says that the server is away for now, or nothing at all, may pass."""
    assert process_close(server_closed(code)) is None


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003])
def test_final_close_stays_away(code: int) -> None:
    """What says that all is done, or that we would be sent away again, ends it."""
    closed = server_closed(code)

    assert process_close(closed) is closed


@pytest.mark.parametrize("answer", [None, Close(1002), Close(1001)], ids=repr)
def test_broken_rule_stays_away(answer: Close | None) -> None:
    """A server that broke a rule would do so again, whatever it answers; one that fell silent may be back."""
    for code in (1002, 1007, 1009):
        failed = we_failed(code, answer)
        assert process_close(failed) is failed

    assert process_close(we_failed(1011, answer)) is None


def test_policy_judges_both() -> None:
    """Failures and closings are judged each by its own function, and both can be replaced."""
    lost, over, refused = server_closed(1012), server_closed(1008), InvalidStatus(Response(403))
    policy = Reconnect()
    assert [policy.judge(failure) for failure in (lost, over, refused, OSError())] == [
        None,
        over,
        refused,
        None,
    ]
    other = Reconnect(process_exception=lambda _: None, process_close=lambda closed: closed)

    assert [other.judge(failure) for failure in (lost, over, refused)] == [lost, over, None]
    assert policy.judge(ConnectionClosedOK(Close(1001), Close(1001), True)) is None


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"outbox": -1}, {"outbox_size": 0}], ids=str)
def test_wrong_bounds_are_refused(wrong: dict[str, int]) -> None:
    """Bounds that leave nothing are said to be wrong at once."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Reconnect(**wrong)  # type: ignore[arg-type]
