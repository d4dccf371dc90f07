"""What is counted while a crowd works: what was done, how long it took, and whether anything went wrong.

It knows no frame, and not what is counted.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from processes import processor_seconds

#: Seconds in which something must have come, if anything is to come.
PATIENCE = 200.0
#: How many things are to be done, however long that takes, before it is said how many a second are.
FEWEST = 10

now = time.perf_counter


class Wrong(Exception):
    """The server did something else than it should; the sentence says what."""


class Figures:
    """What is counted while clients work: things that were done, how long each took, and processor time.

    That is the server's, and this process's `own`, so that one sees which of the two had no more to give.

    Nothing counts before `begin`.
    """

    def __init__(self, cpu: Sequence[int]) -> None:
        self._cpu = cpu
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self.count, self.enough = 0, asyncio.Event()
        self.delays: list[float] = []
        self._begun = now()
        self._cpu_before, self._own_before = self._processor_seconds(), time.process_time()

    def add(self, delay: float | None) -> None:
        """Count something that was done, and how late it was if that is asked."""
        self.count += 1
        if delay is not None:
            self.delays.append(delay)
        if self.count == FEWEST:
            self.enough.set()

    def end(self) -> dict[str, Any]:
        """Return what it has come to since it began."""
        took = {
            "seconds": now() - self._begun,
            "cpu": self._processor_seconds() - self._cpu_before,
            "own": time.process_time() - self._own_before,
        }
        return {"count": self.count, **took, **percentiles(self.delays)}

    def fail(self, why: str) -> None:
        """Let the whole run fail; the first reason is the one."""
        if not self.failure.done():
            self.failure.set_exception(Wrong(why))

    async def unless_failed(self, work: Awaitable[object]) -> None:
        """Wait for something, but no longer than until something fails, or nothing goes on any more."""
        waiting = asyncio.ensure_future(work)
        either: set[asyncio.Future[Any]] = {waiting, self.failure}
        before = -1
        while not waiting.done():
            if self.count == before:
                raise Wrong(f"what was to come hasn't come in {PATIENCE:g} s")
            before = self.count
            await asyncio.wait(either, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if self.failure.done():
                await self.failure
        await waiting

    def _processor_seconds(self) -> float:
        return sum(map(processor_seconds, self._cpu))


def percentiles(delays: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile of seconds; nothing of nothing."""
    if len(delays) < 2:
        return {}
    cuts = statistics.quantiles(delays, n=100, method="inclusive")
    return {"p50": cuts[49], "p99": cuts[98]}
