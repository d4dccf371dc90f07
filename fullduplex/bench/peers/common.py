"""What the benchmark's servers in Python are told, and how they answer; none of them is known here.

A server gets its task as JSON in its first argument, says "ready PORT" when it listens, and serves until it
is killed.  With `timer`, a timer of 10 ms runs on its loop, and at each SIGUSR1 it says "timer" and, as JSON,
how many milliseconds passed from one time to the next: as percentiles, since the last SIGUSR1.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

INTERVAL = 0.01
#: Bytes of the largest message, for everyone alike.
LARGEST = 16 * 2**20
BACKLOG = 1024


class Task(NamedTuple):
    """What the server is to do."""

    #: "echo", or "broadcast": send every message to all connections.
    does: str = "echo"
    #: Whether to compress, with windows of 12 bits and memory level 5 where that can be set.
    deflate: bool = False
    #: A file with a certificate and its key, for TLS.
    certificate: str | None = None
    loop: str = "uvloop"
    timer: bool = False
    #: Another choice that only this server has.
    variant: str | None = None


def task() -> Task:
    """Return what this server was told."""
    return Task(**json.loads(sys.argv[1]))


def context(task: Task) -> ssl.SSLContext | None:
    """Return the context for TLS, if that is wanted."""
    if task.certificate is None:
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(task.certificate)
    return made


def listening() -> socket.socket:
    """Return a socket that listens on a free port of loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)


def ready(port: int) -> None:
    """Tell that the server listens."""
    print(f"ready {port}", flush=True)


def start_timer() -> None:
    """Measure a timer of the running loop, and tell how it did at each SIGUSR1."""
    loop = asyncio.get_running_loop()
    intervals: list[float] = []

    def tell() -> None:
        percentiles = statistics.quantiles(intervals or [0, 0], n=100, method="inclusive")
        told = {"p50": percentiles[49], "p99": percentiles[98], "max": max(intervals, default=0)}
        print("timer", json.dumps({name: 1000 * value for name, value in told.items()}), flush=True)
        intervals.clear()

    def fire(last: float) -> None:
        now = time.perf_counter()
        intervals.append(now - last)
        loop.call_later(INTERVAL, fire, now)

    loop.add_signal_handler(signal.SIGUSR1, tell)
    loop.call_later(INTERVAL, fire, time.perf_counter())


def run(serve: Callable[[Task, socket.socket], Awaitable[Any]]) -> None:
    """Run a server that starts when awaited, and serves for ever."""
    told = task()

    async def main() -> None:
        with listening() as sock:
            kept = await serve(told, sock)
            if told.timer:
                start_timer()
            ready(sock.getsockname()[1])
            await asyncio.Event().wait()
            del kept

    if told.loop == "uvloop":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
