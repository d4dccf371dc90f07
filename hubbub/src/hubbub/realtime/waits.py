"""How long sessions may wait for one thing: a timer for all of them, not one for each.

Invariants:

1. Whoever began to wait first is due first: all wait for the same time.
2. There is a timer as long as anybody waits, and it is never later than who is due first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Waits(Generic[T]):
    """Calls `end` with each who has waited for so many seconds, and with when they were due.

    One that comes to wait again waits from then on.
    """

    def __init__(self, seconds: float, end: Callable[[T, float], object]) -> None:
        self._seconds = seconds
        self._end = end
        # When each is due, by the clock of the loop.
        self._due: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, who: T) -> None:
        """Let someone wait."""
        loop = asyncio.get_running_loop()
        self._due.pop(who, None)
        due = self._due[who] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(due, self._look)

    def stop(self, who: T) -> None:
        """Let someone wait no longer; does nothing if they don't."""
        self._due.pop(who, None)
        if not self._due and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        try:
            while self._due:
                who, due = next(iter(self._due.items()))
                if due > now:
                    break
                del self._due[who]
                self._end(who, due)
        finally:
            # They may have begun to wait again, and have a timer by now.
            if self._due and self._timer is None:
                self._timer = loop.call_at(next(iter(self._due.values())), self._look)
