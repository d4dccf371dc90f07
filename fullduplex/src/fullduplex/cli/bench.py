"""``fullduplex bench``: how fast a server sends messages back, and whether they are the same.

It opens connections, has a load run on them for its time, and shows the
figures: live in a terminal, at the end everywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ..protocol.uri import URI
from .complaints import ABNORMAL, INTERRUPTED, USAGE, Complaint, reason
from .display import can_draw
from .figures import Figures
from .interrupts import interrupts
from .load import Load, LoadConnection, Plan
from .opening import Target, target_of

__all__ = ["run"]

#: Connections that are being opened at a time.
OPENING = 16
#: Seconds between two looks at the figures, and how many of them are kept.
LOOK = 0.25
LOOKS = 2400
#: Seconds that the connections have to close.
CLOSING = 5.0
#: Messages of a connection on their way, where a schedule sends them.
IN_FLIGHT_WITH_RATE = 1000

Show = Callable[[Figures], None]


def run(options: argparse.Namespace) -> int:
    """Measure; return the exit status.

    Raises:
        Complaint: if it can't be measured, or may not.
    """
    return asyncio.run(measure(target_of(options), options))


async def measure(target: Target, options: argparse.Namespace) -> int:
    """Measure a target; see ``run``."""
    if not options.remote:
        await _check_loopback(target.uri)
    bench = _Bench(target, options)
    with _view(options) as show:
        await bench.run(show)
    figures = bench.figures
    if options.json:
        print(json.dumps(figures.to_json(), indent=2))
    else:
        print("\n".join(line for _, line in figures.lines(shutil.get_terminal_size().columns)))
    if figures.failure:
        raise Complaint(f"{figures.failure}.", ABNORMAL)
    return INTERRUPTED if figures.is_interrupted else 0


async def _check_loopback(uri: URI) -> None:
    """See that a server is on this machine.

    Raises:
        Complaint: if it isn't, or nobody knows where it is.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(uri.host, uri.port)
    except OSError as error:
        raise Complaint(f"can't connect to {uri}: {reason(error)}; check the name of the host.") from error
    if not all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found):
        raise Complaint(
            f"{uri.host} is another machine, and bench sends as much as it can: --remote says that you may.",
            USAGE,
        )


@contextlib.contextmanager
def _view(options: argparse.Namespace) -> Iterator[Show]:
    """Give what shows figures while they come."""
    if options.json or not sys.stdout.isatty():
        yield lambda figures: None
        return
    if not can_draw():
        yield _line_a_second()
        return
    try:
        from .live import LiveView
    except ImportError:
        print("· plain lines: pip install 'fullduplex[cli]' brings a live view")
        yield _line_a_second()
        return
    with LiveView() as view:
        yield view.show


def _line_a_second() -> Show:
    """Return what prints a line a second, for where nothing can be drawn."""
    looks = 0

    def show(figures: Figures) -> None:
        nonlocal looks
        looks += 1
        if looks % round(1 / LOOK) == 0:
            print(figures.line(), flush=True)

    return show


class _Bench:
    """One run."""

    def __init__(self, target: Target, options: argparse.Namespace) -> None:
        self._target = target
        self._options = options
        default = 1 if options.rate is None else IN_FLIGHT_WITH_RATE
        plan = Plan(
            connections=options.connections,
            in_flight=options.in_flight or default,
            size=options.size,
            is_binary=options.binary,
            rate=options.rate,
        )
        self._load = Load(plan)
        self._rates: deque[float] = deque(maxlen=LOOKS)
        self.figures = Figures(str(target.uri), plan)

    async def run(self, show: Show) -> None:
        """Open, warm up, measure and close, or as much of it as Ctrl-C leaves."""
        interrupted = interrupts()
        stop = asyncio.create_task(_either(interrupted, self._load.failure))
        try:
            for phase in (self._open, self._warm_up, self._measure):
                if not stop.done():
                    await phase(stop, show)
        finally:
            stop.cancel()
            self._load.stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING):
                    await self._load.close()
            for connection in self._load.connections:
                connection.abort()
        self.figures.is_over = True
        self.figures.is_interrupted = interrupted.is_set()
        self.figures.phase = "stopped" if interrupted.is_set() else "done"
        if self._load.failure.done():
            self.figures.failure = self._load.failure.result()
            self.figures.phase = "failed"

    async def _open(self, stop: asyncio.Task[None], show: Show) -> None:
        self.figures.phase = "opening"
        opening = asyncio.create_task(self._open_all())
        await self._watch(stop, show, opening)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening

    async def _open_all(self) -> None:
        left = iter(range(self._load.plan.connections))

        async def work() -> None:
            for _ in left:
                connection = await self._target.open(
                    LoadConnection,
                    compression="deflate" if self._options.compression else None,
                    max_size=max(self._load.plan.size, 2**20),
                    # A redirect may not lead the load elsewhere.
                    host=self._target.uri.host,
                    port=self._target.uri.port,
                )
                self._load.add(connection)

        workers = [asyncio.create_task(work()) for _ in range(OPENING)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    async def _warm_up(self, stop: asyncio.Task[None], show: Show) -> None:
        self.figures.phase = "warming up"
        self._load.start()
        await self._watch(stop, show, asyncio.create_task(asyncio.sleep(self._options.warm_up or 0)))

    async def _measure(self, stop: asyncio.Task[None], show: Show) -> None:
        self._load.measure()
        self._rates.clear()
        self.figures.phase = f"measuring for {self._options.duration:g} s"
        began, used = time.perf_counter(), time.process_time()
        await self._watch(stop, show, asyncio.create_task(asyncio.sleep(self._options.duration)), began, used)
        self._note(began, used)

    async def _watch(
        self,
        stop: asyncio.Task[None],
        show: Show,
        task: asyncio.Task[None],
        began: float | None = None,
        used: float = 0.0,
    ) -> None:
        """Show figures until a task is done, or it is to stop."""
        while not task.done() and not stop.done():
            before, since = self._load.returned, time.perf_counter()
            await asyncio.wait({task, stop}, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            took = time.perf_counter() - since
            # What is much shorter than the others would look like a spike.
            if began is not None and took >= LOOK / 2:
                self._rates.append((self._load.returned - before) / took)
            self._note(began, used)
            show(self.figures)
        if task.done() and not task.cancelled():
            task.result()

    def _note(self, began: float | None, used: float) -> None:
        """Bring the figures up to date."""
        figures = self.figures
        figures.connections = len(self._load.connections)
        figures.unanswered = self._load.unanswered
        if began is not None:
            figures.seconds = time.perf_counter() - began
            figures.processor = time.process_time() - used
            figures.histogram = self._load.histogram
            figures.rates = self._rates


async def _either(interrupted: asyncio.Event, failure: asyncio.Future[str]) -> None:
    """Wait for either."""
    waiting = asyncio.create_task(interrupted.wait())
    either: set[asyncio.Future[Any]] = {waiting, failure}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
