"""When to connect again, and how long to wait before.

This module judges failures and paces attempts.  It opens no connections.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import itertools
import logging
import random
from collections.abc import Callable, Iterator

from ..exceptions import ConnectionClosedOK, InvalidHandshake, InvalidProxyStatus, InvalidStatus
from ..protocol.http11 import Response

__all__ = ["Pace", "backoff", "process_exception", "retry_after"]

#: Seconds: the most that the first wait takes, and that any takes.
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
#: Seconds after which a connection that was lost had worked: the waiting begins anew.
STEADY_AFTER = 10.0
#: Statuses that may be others soon (RFC 9110 15.6, RFC 6585 4).
_TRANSIENT = (429, 500, 502, 503, 504)


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


class Pace:
    """Waits between one connection and the next.

    Args:
        delays: makes the seconds to wait after each failure in a row; where they end, so do attempts.
        logger: is told of each wait.
    """

    def __init__(self, delays: Callable[[], Iterator[float]], logger: logging.Logger) -> None:
        self._make_delays = delays
        self._delays = delays()
        self._logger = logger

    async def wait_to_retry(self, failure: Exception) -> None:
        """Wait after a failure.

        Raises:
            Exception: the failure itself, if there are to be no more attempts.
        """
        delay = next(self._delays, None)
        if delay is None:
            raise failure
        delay = max(delay, retry_after(failure))
        kind = type(failure).__name__
        self._logger.info("connecting again in %.1f seconds: %s: %s", delay, kind, failure)
        await asyncio.sleep(delay)

    async def wait_after(self, end: Exception, seconds: float) -> None:
        """Wait after a connection that was open for ``seconds``; not at all if we closed it."""
        if seconds >= STEADY_AFTER or _is_ours(end):
            self._delays = self._make_delays()
        if not _is_ours(end):
            await self.wait_to_retry(end)


def _is_ours(end: Exception) -> bool:
    """Tell whether a connection ended because we closed it."""
    return isinstance(end, ConnectionClosedOK) and end.received_first is False
