"""When a connection comes back: its states, the policy, and what that judges by if not told otherwise.

This module judges.  It waits for nothing and opens no connections.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..close import CloseCode
from ..exceptions import ConnectionClosed, InvalidHandshake, InvalidProxyStatus, InvalidStatus
from ..protocol.headers import HeadersLike
from ..protocol.http11 import Response

__all__ = [
    "Connected",
    "Connecting",
    "Reconnect",
    "ReconnectState",
    "Stopped",
    "Waiting",
    "backoff",
    "check_comes_back",
    "process_close",
    "process_exception",
    "retry_after",
]

#: Seconds: the most that the first wait takes, and that any takes.
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
#: Seconds after which a connection that was lost had worked: the waiting begins anew.
STEADY_AFTER = 10.0
#: Statuses that may be others soon (RFC 9110 15.6, RFC 6585 4).
_TRANSIENT = (429, 500, 502, 503, 504)
#: Codes with which one says that the same would happen again, or that all is done (7.4.1).
_FINAL = frozenset(
    {
        CloseCode.NORMAL_CLOSURE,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_DATA,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
        CloseCode.MANDATORY_EXTENSION,
        # Unauthorized and Forbidden, of the IANA registry.
        3000,
        3003,
    }
)


# States


@dataclass(frozen=True, slots=True)
class Connecting:
    """A connection is being opened; ``attempt`` counts from 1, and anew after one that held."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a connection; ``times`` counts them from 1."""

    times: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """After ``cause``, attempt number ``attempt`` comes in ``delay`` seconds."""

    delay: float
    attempt: int
    cause: Exception


@dataclass(frozen=True, slots=True)
class Stopped:
    """There won't be another connection, for ``cause``; None if the program closed it meanwhile."""

    cause: Exception | None


ReconnectState: TypeAlias = Connecting | Connected | Waiting | Stopped


# Judgement


def backoff(first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> Iterator[float]:
    """Yield seconds to wait, each at random between none and a bound that doubles: full jitter (7.2.3)."""
    for attempt in itertools.count():
        # Further doubling would leave the range of floats one day.
        yield random.uniform(0, min(longest, first * 2.0 ** min(attempt, 64)))


def process_exception(exc: Exception) -> Exception | None:
    """Return None if connecting may work the next time, or else the exception to raise.

    May work: what the network does (``OSError``, ``TimeoutError``, an answer
    that was cut short), and the statuses 429, 500, 502, 503 and 504, be they
    of the server or of a proxy.
    """
    if isinstance(exc, OSError | TimeoutError):
        return None
    if isinstance(exc, InvalidHandshake) and isinstance(exc.__cause__, OSError | EOFError):
        return None
    if isinstance(exc, InvalidStatus | InvalidProxyStatus) and exc.response.status_code in _TRANSIENT:
        return None
    return exc


def process_close(closed: ConnectionClosed) -> Exception | None:
    """Return None if a connection that closed is to come back, or else the exception to end with.

    It stays away after 1000, which ends it normally, and after 1002, 1003,
    1007, 1008, 1009, 1010, 3000 and 3003, be they the server's or, for a broken
    rule, ours.  It comes back after all others, and after no Close frame or none with a code.
    """
    began = closed.sent if closed.received is None or closed.received_first is False else closed.received
    return closed if began is not None and began.code in _FINAL else None


def retry_after(exc: Exception) -> float:
    """Return the seconds for which a refusal asks to wait, ``LONGEST_DELAY`` at most (RFC 9110 10.2.3)."""
    if not isinstance(exc, InvalidStatus | InvalidProxyStatus) or not isinstance(exc.response, Response):
        return 0
    values = exc.response.headers.get_all("Retry-After")
    seconds = _seconds(values[0]) if len(values) == 1 else 0
    return min(max(seconds, 0), LONGEST_DELAY)


def _seconds(value: str) -> float:
    if value.isascii() and value.isdecimal():
        # No longer number matters, and some aren't floats.
        return float(value[:9]) if len(value) <= 9 else LONGEST_DELAY
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0
    # RFC 9110 5.6.7: it is GMT, however it says so.
    return (date.replace(tzinfo=dt.UTC) - dt.datetime.now(dt.UTC)).total_seconds()


# The policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """How a connection comes back by itself.

    ``uri``, ``headers`` and ``resume`` may be coroutine functions.  What they
    raise is a failure of the attempt, judged as any other.

    Attributes:
        delays: makes the seconds to wait after each failure in a row; where they end, so do the attempts.
        attempts: attempts in a row without a connection that held for ten seconds, after which it
            stops; None for no limit.
        process_exception: returns None for a failure that may pass, or the exception to stop with.
        process_close: returns None for a closing after which to come back, or the exception to stop
            with; one of our own isn't asked about.
        uri: returns where to connect, for each attempt; for addresses with a token that expires.
        headers: returns lines of the request for each attempt, in place of those with the same name.
        resume: is called with each fresh connection, which it may ``send`` to and ``recv`` from, and
            with the number of that connection, from 1 on, before anything that was kept goes out and
            before the program receives from it; it has no time-out but those that it makes.
        on_state: is called with each new state; must not wait.
        outbox: messages that are kept while there is no connection; 0 keeps none.
        outbox_size: bytes of them; a larger message is kept if it is the only one.
    """

    delays: Callable[[], Iterator[float]] = backoff
    attempts: int | None = None
    process_exception: Callable[[Exception], Exception | None] = process_exception
    process_close: Callable[[ConnectionClosed], Exception | None] = process_close
    uri: Callable[[], str | Awaitable[str]] | None = None
    headers: Callable[[], HeadersLike | Awaitable[HeadersLike]] | None = None
    resume: Callable[[Any, int], Awaitable[object] | object] | None = None
    on_state: Callable[[ReconnectState], object] | None = None
    outbox: int = 0
    outbox_size: int = 2**20

    def __post_init__(self) -> None:
        if self.attempts is not None and self.attempts < 1:
            raise ValueError("attempts must be positive or None")
        if self.outbox < 0 or self.outbox_size < 1:
            raise ValueError("outbox must not be negative, and outbox_size must be positive")

    def judge(self, failure: Exception) -> Exception | None:
        """Return None if there is to be another attempt, or else the exception to stop with."""
        if isinstance(failure, ConnectionClosed):
            return self.process_close(failure)
        return self.process_exception(failure)


def check_comes_back(options: Mapping[str, Any]) -> None:
    """See that the way to a server can be gone more than once.

    Raises:
        ValueError: if it is a socket that is open already.
    """
    if options.get("sock") is not None:
        raise ValueError("a given sock is for one connection: with reconnect, give host and port, or path")
