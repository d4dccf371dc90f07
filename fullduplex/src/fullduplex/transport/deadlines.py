"""What is to be done in some seconds, unless something happens before.

Of thousands of connections nearly each has a deadline, nearly none of them comes, and the same few
durations are set again and again.  So the deadlines of a loop that are equally far away when they are
set stand in one row, in the order in which they come, and a row has one timer of the loop.  Setting
and cancelling one is O(1), and a deadline is whatever object it is about.

Invariants:

1. A deadline comes once at most, not before its time, and not after ``cancel``.
2. A row has a timer if and only if somebody stands in it; nothing else keeps it.
3. At most ``AT_ONCE`` deadlines of a row come in one turn of the loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

__all__ = ["Deadline", "Timer"]

#: How many deadlines come before others have their turn: of as many pings, about 1 ms.
AT_ONCE = 64
#: Seconds that a deadline may come too early: uvloop's timers are rounded to thousandths.
RESOLUTION = 0.0005


class Deadline:
    """Something that happens in some seconds; ``come`` is what."""

    __slots__ = ("_row", "due")

    #: When it comes, in the loop's time.
    due: float

    def __init__(self) -> None:
        self._row: _Row | None = None

    def wait(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Come in some seconds; it may wait again once it has come, but not once it was cancelled."""
        key = id(loop), seconds
        row = _rows.get(key)
        if row is None or row.loop is not loop:
            row = _rows[key] = _Row(loop, seconds)
        self._row = row
        row.add(self)

    def cancel(self) -> None:
        """Don't come; if it has, or doesn't wait, do nothing."""
        if self._row is not None:
            row, self._row = self._row, None
            row.one_cancelled()

    def cancelled(self) -> bool:
        """Tell whether it won't come, or has come."""
        return self._row is None

    def come(self) -> None:
        """The time has come."""


class Timer(Deadline):
    """Calls a function in some seconds; once it is cancelled it refers to nothing."""

    __slots__ = ("_then",)

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, then: Callable[[], Any]) -> None:
        super().__init__()
        self._then: Callable[[], Any] | None = then
        self.wait(loop, seconds)

    def cancel(self) -> None:
        """Don't call it."""
        self._then = None
        super().cancel()

    def come(self) -> None:
        """Call it."""
        then, self._then = self._then, None
        if then is not None:
            then()


class _Row:
    """Those of one loop that waited equally long from the beginning."""

    __slots__ = ("__weakref__", "_cancelled", "_seconds", "_timer", "_waiting", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.loop = loop
        self._seconds = seconds
        self._waiting: deque[Deadline] = deque()
        # How many of them won't come.
        self._cancelled = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline: Deadline) -> None:
        """Let one more wait."""
        deadline.due = self.loop.time() + self._seconds
        self._waiting.append(deadline)
        if self._timer is None:
            self._set_timer()

    def one_cancelled(self) -> None:
        """Forget those that won't come: at the beginning of the row, or all when they are the most."""
        waiting = self._waiting
        self._cancelled += 1
        while waiting and waiting[0].cancelled():
            waiting.popleft()
            self._cancelled -= 1
        if self._cancelled > AT_ONCE and 2 * self._cancelled > len(waiting):
            left = [deadline for deadline in waiting if not deadline.cancelled()]
            waiting.clear()
            waiting.extend(left)
            self._cancelled = 0
        if not waiting:
            self._drop_timer()

    def _set_timer(self) -> None:
        # What comes of it is nobody's whose deadline was the first.
        self._timer = self.loop.call_at(self._waiting[0].due, self._come, context=contextvars.Context())

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _come(self) -> None:
        """Let those come whose time it is."""
        waiting = self._waiting
        now = self.loop.time() + RESOLUTION
        try:
            for _ in range(AT_ONCE):
                if not waiting or waiting[0].due > now:
                    break
                deadline = waiting.popleft()
                if deadline.cancelled():
                    self._cancelled -= 1
                else:
                    deadline._row = None
                    deadline.come()
        finally:
            self._drop_timer()
            if waiting:
                self._set_timer()


#: By the loop's identity and the seconds.
_rows: weakref.WeakValueDictionary[tuple[int, float], _Row] = weakref.WeakValueDictionary()
