"""Keepalive: is the peer still there, and does it take what we send?

A ping goes out every ``interval`` seconds.  The connection fails if, for
``timeout`` seconds after it, nothing at all arrives; and it is cut if in that
time bytes wait to be written and not one is taken.  While *we* have stopped
reading, silence proves nothing and isn't held against the peer; neither is it
when our loop was blocked, which shows in a timer that fires late, or in bytes
that the system has received and nobody has read yet; nor while our ping is
still on its way behind what was sent before it.

Each beat also gives back what an idle connection doesn't need.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from ..close import CloseCode
from ..protocol.states import State
from .deadlines import Deadline

if sys.platform != "win32":
    import fcntl
    import termios

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Heartbeat"]


class Heartbeat(Deadline):
    """The keepalive of one connection, from its opening to its close."""

    __slots__ = (
        "_connection",
        "_delivered",
        "_interval",
        "_is_judging",
        "_looked",
        "_payload",
        "_ping_end",
        "_sent_at",
        "_taken",
        "_timeout",
        "heard",
    )

    def __init__(self, connection: Connection, interval: float, timeout: float | None) -> None:
        super().__init__()
        self._connection: Connection | None = connection
        self._interval = interval
        self._timeout = timeout
        self._payload: bytes | None = None
        self._sent_at = 0.0
        self._taken = 0
        # Of all bytes written: those that the peer's system has, and those up to the end of our ping.
        self._delivered = 0
        self._ping_end = 0
        # That the next thing to do is to judge, and not to ping.
        self._is_judging = False
        # That bytes which wait to be read have put the judgement off once.
        self._looked = False
        #: Set by the connection whenever bytes arrive.
        self.heard = False
        self._wait(connection, interval)

    def stop(self) -> None:
        """Send nothing more."""
        self._connection = None
        self.cancel()

    def pong_received(self, payload: bytes) -> None:
        """Note the pong to our ping, if it is that."""
        connection = self._connection
        if payload == self._payload and connection is not None:
            self._payload = None
            connection.latency = connection.loop.time() - self._sent_at

    def _wait(self, connection: Connection, seconds: float, *, to_judge: bool = False) -> None:
        self._is_judging = to_judge
        self.wait(connection.loop, seconds)

    def come(self) -> None:
        """Ping, or judge the silence since the last ping."""
        connection = self._connection
        if connection is None or connection.state is not State.OPEN:
            return
        if self._is_judging:
            self._judge(connection, self._timeout or 0)
        else:
            self._beat(connection)

    def _beat(self, connection: Connection) -> None:
        self._payload = os.urandom(4)
        self._sent_at = connection.loop.time()
        self._taken = connection.bytes_taken
        self.heard = self._looked = False
        connection.send_ping(self._payload)
        # At once: the end of this turn may be long in coming.
        connection.flush()
        self._ping_end = connection.bytes_written
        self._delivered = connection.bytes_taken - unsent_bytes(connection)
        if connection.codec.extension is not None:
            connection.codec.extension.release_if_idle()
        if self._timeout is None:
            self._wait(connection, self._interval)
        else:
            self._wait(connection, self._timeout, to_judge=True)

    def _judge(self, connection: Connection, timeout: float) -> None:
        """Decide whether the peer has given a sign of life since the ping."""
        is_stuck = connection.buffered_amount > 0 and connection.bytes_taken == self._taken
        delivered = connection.bytes_taken - unsent_bytes(connection)
        is_on_its_way = self._delivered < delivered < self._ping_end
        is_silent = not self.heard and not connection.is_reading_paused
        if is_silent and is_on_its_way:
            self._delivered, self._taken = delivered, connection.bytes_taken
            self._wait(connection, timeout, to_judge=True)
        elif not is_stuck and not is_silent:
            # The rest of the interval between two pings, if it is the longer one.
            self._wait(connection, max(self._interval - timeout, 0))
        elif connection.loop.time() - self.due > timeout / 10:
            # What arrived while our loop was blocked may not be read yet: some loops run timers first.
            self._wait(connection, timeout, to_judge=True)
        elif is_stuck:
            connection.cut(TimeoutError(f"the peer took nothing for {timeout:g} seconds"))
        elif not self._looked and unread_bytes(connection) > 0:
            # A turn is enough to read them, on any loop; of an unfinished TLS record nothing is heard.
            self._looked = True
            self._wait(connection, timeout / 10, to_judge=True)
        else:
            reason = "keepalive ping timeout"
            connection.fail(CloseCode.INTERNAL_ERROR, reason, TimeoutError(reason))


def unread_bytes(connection: Connection) -> int:
    """Return how many bytes of the peer the system has that we haven't read; 0 if it can't tell."""
    return 0 if sys.platform == "win32" else _ask_system(connection, termios.FIONREAD)


def unsent_bytes(connection: Connection) -> int:
    """Return how many bytes the system has of us that the peer's hasn't confirmed; 0 if it can't tell."""
    return _ask_system(connection, termios.TIOCOUTQ) if sys.platform == "linux" else 0


def _ask_system(connection: Connection, what: int) -> int:
    """Return a number that the system knows of a connection's socket; 0 if there is none."""
    # The engine's makes a socket when it is asked for one.
    asked = connection.get_extra_info("fileno")
    if asked is None:
        asked = connection.get_extra_info("socket")
    if asked is not None:
        # ValueError: it is closed.
        with contextlib.suppress(OSError, ValueError):
            return int.from_bytes(fcntl.ioctl(asked, what, bytes(4)), sys.byteorder)
    return 0
