"""How a server's connections are closed: all at once, or spread over some time.

Clients that are all told at once to come back do so all at once.  This module
knows when each connection is told, and which of them had to be cut; it doesn't
know what closing means.

Invariants:

1. Each connection is told once, and not after it has ended.
2. No timer outlives its connection.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from ..protocol.states import State
from ..transport.connection import Connection

__all__ = ["Drain"]

C = TypeVar("C", bound=Connection)


class Drain(Generic[C]):
    """The end of one server's connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        #: The connections that were cut as they didn't finish the closing handshake in time.
        self.stragglers: list[C] = []
        self._loop = loop
        # With the timer of who hasn't been told yet.
        self._ending: dict[C, asyncio.TimerHandle | None] = {}

    def begin(
        self,
        connections: Collection[C],
        tell: Callable[[C], None],
        seconds: float = 0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Have ``tell`` called with each open connection, within ``seconds`` from now.

        The time is cut into as many parts as there are connections; ``jitter``
        gives numbers from 0 to 1 that decide who gets which part, and the moment in it.
        """
        open_ones = [connection for connection in connections if connection.state is State.OPEN]
        self._ending.update(dict.fromkeys(connections))
        if not seconds:
            for connection in open_ones:
                tell(connection)
            return
        open_ones.sort(key=lambda _: jitter())
        for place, connection in enumerate(open_ones):
            moment = (place + jitter()) * seconds / len(open_ones)
            self._ending[connection] = self._loop.call_later(moment, self._tell, connection, tell)

    def _tell(self, connection: C, tell: Callable[[C], None]) -> None:
        self._ending[connection] = None
        tell(connection)

    def ended(self, connection: C) -> None:
        """Note that a connection is over; one that isn't known is no error."""
        if connection not in self._ending:
            return
        timer = self._ending.pop(connection)
        if timer is not None:
            timer.cancel()
        elif connection.was_cut:
            self.stragglers.append(connection)
