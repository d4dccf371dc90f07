"""Keepalive: is the peer still there, and does it take what we send?

A ping goes out every ``interval`` seconds.  The connection fails if, for
``timeout`` seconds after it, nothing at all arrives; and it is cut if in that
time bytes wait to be written and not one is taken.  While *we* have stopped
reading, silence proves nothing and isn't held against the peer; neither is it
when our loop was blocked, which shows in a timer that fires late.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from ..close import CloseCode
from ..protocol.states import State

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Heartbeat"]


class Heartbeat:
    """The keepalive of one connection, from its opening to its close."""

    __slots__ = (
        "_connection",
        "_due",
        "_interval",
        "_payload",
        "_sent_at",
        "_taken",
        "_timeout",
        "_timer",
        "heard",
    )

    def __init__(self, connection: Connection, interval: float, timeout: float | None) -> None:
        self._connection = connection
        self._interval = interval
        self._timeout = timeout
        self._payload: bytes | None = None
        self._sent_at = 0.0
        self._taken = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        #: Set by the connection whenever bytes arrive.
        self.heard = False
        self._wait(interval, self._beat)

    def stop(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pong_received(self, payload: bytes) -> None:
        """Note the pong to our ping, if it is that."""
        if payload == self._payload:
            self._payload = None
            self._connection.latency = self._connection.loop.time() - self._sent_at

    def _wait(self, seconds: float, then: object) -> None:
        loop = self._connection.loop
        self._due = loop.time() + seconds
        self._timer = loop.call_at(self._due, then)  # type: ignore[arg-type]

    def _beat(self) -> None:
        connection = self._connection
        if connection.state is not State.OPEN:
            return
        self._payload = os.urandom(4)
        self._sent_at = connection.loop.time()
        self._taken = connection.bytes_taken
        self.heard = False
        connection.send_ping(self._payload)
        # At once: the end of this turn may be long in coming.
        connection.flush()
        if self._timeout is None:
            self._wait(self._interval, self._beat)
        else:
            self._wait(self._timeout, self._judge)

    def _judge(self) -> None:
        """Decide whether the peer has given a sign of life since the ping."""
        connection = self._connection
        if connection.state is not State.OPEN:
            return
        timeout = self._timeout or 0
        is_stuck = connection.buffered_amount > 0 and connection.bytes_taken == self._taken
        is_silent = not self.heard and not connection.is_reading_paused
        if not is_stuck and not is_silent:
            # The rest of the interval between two pings, if it is the longer one.
            self._wait(max(self._interval - timeout, 0), self._beat)
        elif connection.loop.time() - self._due > timeout / 10:
            # What arrived while our loop was blocked may not be read yet: some loops run timers first.
            self._wait(timeout, self._judge)
        elif is_stuck:
            connection.abort()
        else:
            connection.fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
