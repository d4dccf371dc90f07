"""The same news by short polling, long polling, server-sent events and WebSocket, measured.

The server is `examples/polling/server.py`, in a process of its own; it is told the news through its standard
input, at the same random moments for each way.  The clients are coroutines of this process, each with one
connection that it keeps, and send the headers that a page's requests have.

What is counted, and where:

- requests: by the clients;
- bytes: by the kernel, for each connection (TCP_INFO), both ways, as TCP carries them;
- processor time: by the kernel, for the server's process, user and system time, from when all clients are
  connected until each has heard all;
- delay: from when the server was told until a client had it, on one clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pages import put_figures
from processes import processor_seconds

import fullduplex
from fullduplex import connect

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "fullduplex" / "examples" / "polling" / "server.py"
PAGE = ROOT / "docs" / "polling.md"
#: What Chromium sends with a page's own requests, and a cookie of a session.
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/145.0.0.0 Safari/537.36",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,zh-CN;q=0.8",
    "Cookie": "session=5f1d7a84db3c4d0f9c2e6b81a7f03c55",
    "Referer": "http://localhost:8010/",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
}
#: Seconds between the questions of the slowest way.
SLOWEST = 5
#: Where Linux keeps the bytes of a connection that were acknowledged and received, in `struct tcp_info`.
TCP_INFO_BYTES = 120


class Figures(NamedTuple):
    """What one way came to."""

    way: str
    requests: int
    sent: int
    received: int
    server_seconds: float
    delays: list[float]

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON has them: bytes, seconds."""
        percentiles = statistics.quantiles(self.delays, n=100, method="inclusive")
        return {
            "way": self.way,
            "requests": self.requests,
            "bytes_sent": self.sent,
            "bytes_received": self.received,
            "server_seconds": round(self.server_seconds, 4),
            "delay_p50": round(percentiles[49], 5),
            "delay_p99": round(percentiles[98], 5),
            "delay_max": round(max(self.delays), 5),
        }


class WrongNews(Exception):
    """A client missed news, or heard it twice."""


class Client:
    """One client: what it heard and when, and what it took."""

    def __init__(self, port: int, *, start: float, wanted: int) -> None:
        self.authority = f"localhost:{port}"
        #: Which part of its interval one that asks by the clock waits at first, so that not all ask at once.
        self.start = start
        self.wanted = wanted
        self.requests = 0
        self.last = 0
        self.delays: list[float] = []
        self.is_ready = asyncio.Event()
        self.has_all = asyncio.Event()
        #: Bytes sent and received by each connection, as far as they were counted.
        self.carried: dict[socket.socket, tuple[int, int]] = {}
        self.http = httpx.AsyncClient(
            base_url=f"http://{self.authority}",
            headers=HEADERS,
            # As a browser does, for longer than this takes.
            limits=httpx.Limits(keepalive_expiry=None),
            verify=False,
            trust_env=False,
            timeout=60,
        )

    def heard(self, item: dict[str, Any]) -> None:
        """Take a piece of news, which must be the next."""
        if item["id"] != self.last + 1:
            raise WrongNews(f"number {item['id']} came after number {self.last}")
        self.last += 1
        self.delays.append(time.time() - item["at"])
        if self.last == self.wanted:
            self.has_all.set()

    async def ask(self, path: str) -> None:
        """Make one request, and take all news of its answer."""
        self.requests += 1
        async with self.http.stream("GET", path, params={"after": self.last}) as response:
            for item in json.loads(await response.aread()):
                self.heard(item)
            # The server closes connections that are idle for long: what they carried must be known before.
            self.count(response.extensions["network_stream"].get_extra_info("socket"))

    def count(self, connection: socket.socket) -> None:
        """Note what a connection has carried so far."""
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        self.carried[connection] = struct.unpack_from("QQ", info, TCP_INFO_BYTES)
        self.is_ready.set()

    def bytes(self) -> tuple[int, int]:
        """Return how many bytes TCP has carried to the server, and from it."""
        for connection in self.carried:
            # That of a connection which is closed was noted.
            with contextlib.suppress(OSError):
                self.count(connection)
        counts = self.carried.values()
        return sum(sent for sent, _ in counts), sum(received for _, received in counts)


def short_poll(seconds: float) -> Callable[[Client], Awaitable[None]]:
    """Make a way that asks every so many seconds."""

    async def poll(client: Client) -> None:
        await asyncio.sleep(client.start * seconds)
        while True:
            await client.ask("/poll")
            await asyncio.sleep(seconds)

    return poll


async def long_poll(client: Client) -> None:
    """Ask again as soon as there is an answer."""
    # Nothing tells when the first request waits: the one before it does.
    await client.ask("/poll")
    while True:
        await client.ask("/long-poll")


async def listen(client: Client) -> None:
    """Read server-sent events."""
    client.requests += 1
    async with client.http.stream("GET", "/events", params={"after": 0}) as response:
        client.count(response.extensions["network_stream"].get_extra_info("socket"))
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                client.heard(json.loads(line.removeprefix("data: ")))


async def talk(client: Client) -> None:
    """Read a WebSocket."""
    client.requests += 1
    headers = {name: HEADERS[name] for name in ("Accept-Language", "Cookie")}
    async with connect(
        f"ws://{client.authority}/?after=0",
        origin=f"http://{client.authority}",
        user_agent_header=HEADERS["User-Agent"],
        additional_headers=headers,
        proxy=None,
    ) as connection:
        client.count(connection.get_extra_info("socket"))
        async for message in connection:
            client.heard(json.loads(message))


WAYS: dict[str, Callable[[Client], Awaitable[None]]] = {
    f"short polling, {SLOWEST} s": short_poll(SLOWEST),
    "short polling, 1 s": short_poll(1),
    "long polling": long_poll,
    "server-sent events": listen,
    "WebSocket": talk,
}


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run the example's server on a free port, for as long as the block runs."""
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SERVER), "--port", str(port), "--every", "0"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def measure(way: str, moments: list[float], clients: int) -> Figures:
    """Let clients hear, in one way, of news that come at these moments."""
    async with server() as (process, port):
        hearers = [Client(port, start=index / clients, wanted=len(moments)) for index in range(clients)]
        # A client that fails ends all.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(WAYS[way](hearer)) for hearer in hearers]
            await asyncio.gather(*(hearer.is_ready.wait() for hearer in hearers))
            before = processor_seconds(process.pid)
            await tell(process, moments)
            async with asyncio.timeout(30):
                await asyncio.gather(*(hearer.has_all.wait() for hearer in hearers))
            taken = processor_seconds(process.pid) - before
            carried = [hearer.bytes() for hearer in hearers]
            for task in tasks:
                task.cancel()
        await asyncio.gather(*(hearer.http.aclose() for hearer in hearers))
    return Figures(
        way,
        sum(hearer.requests for hearer in hearers),
        sum(sent for sent, _ in carried),
        sum(received for _, received in carried),
        taken,
        [delay for hearer in hearers for delay in hearer.delays],
    )


async def tell(process: asyncio.subprocess.Process, moments: list[float]) -> None:
    """Tell the server the news, each at its moment, and let the slowest way hear of the last."""
    assert process.stdin is not None
    begun = time.monotonic()
    for number, moment in enumerate(moments):
        await asyncio.sleep(begun + moment - time.monotonic())
        process.stdin.write(f"Ada likes your picture number {number}\n".encode())
    # All ways are measured over the same time.
    await asyncio.sleep(begun + moments[-1] + SLOWEST - time.monotonic())


def moments_of(seed: int, seconds: float, every: float) -> list[float]:
    """Return the moments of the news: at random, but the same for every way."""
    chance = random.Random(seed)
    moments, moment = [], chance.expovariate(1 / every)
    while moment < seconds:
        moments.append(moment)
        moment += chance.expovariate(1 / every)
    return moments or [0.0]


def main(arguments: list[str]) -> int:
    """Measure every way, one after the other; print a table, and write what was asked for."""
    parser = argparse.ArgumentParser(
        prog="./run bench polling", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--clients", type=int, default=100, help="(default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=25, help="of news, for each way (default: %(default)s)"
    )
    parser.add_argument(
        "--every", type=float, default=2, help="seconds between news, on average (default: 2)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another one: other moments (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--write", action="store_true", help="put table and plots into the documentation")
    options = parser.parse_args(arguments)
    if not sys.platform.startswith("linux"):
        print("This counts bytes and processor time as Linux does: run it there.", file=sys.stderr)
        return 1
    moments = moments_of(options.seed, options.seconds, options.every)
    summaries = []
    for way in WAYS:
        print(f"{way}: {options.clients} clients, {len(moments)} news", file=sys.stderr, flush=True)
        summaries.append(asyncio.run(measure(way, moments, options.clients)).summary())
    if options.json:
        print(json.dumps(summaries, indent=1))
    else:
        print(table(summaries))
    if options.write:
        write(summaries, circumstances(options, len(moments)))
    return 0


def circumstances(options: argparse.Namespace, news: int) -> str:
    """Say in what circumstances the figures were taken."""
    return (
        f"{options.clients} clients, {news} news in {options.seconds:g} s;"
        f" CPython {platform.python_version()}, fullduplex {fullduplex.__version__},"
        f" httpx {httpx.__version__}, {os.cpu_count()} processors."
    )


def table(summaries: list[dict[str, Any]]) -> str:
    """Return the figures as a table of Markdown."""
    lines = [
        "| | requests | bytes to server | bytes from it | server's processor time | delay p50 | p99 | max |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in summaries:
        delays = " | ".join(seconds(one[f"delay_{name}"]) for name in ("p50", "p99", "max"))
        lines.append(
            f"| {one['way']} | {one['requests']:,} | {one['bytes_sent']:,} | {one['bytes_received']:,}"
            f" | {seconds(one['server_seconds'])} | {delays} |"
        )
    return "\n".join(lines)


def seconds(value: float) -> str:
    """Write a duration with its unit."""
    return f"{value * 1000:,.0f} ms" if value < 10 else f"{value:,.1f} s"


def write(summaries: list[dict[str, Any]], line: str) -> None:
    """Put the table into its place in the page, and draw the plots that the page shows."""
    from plots import draw_polling

    put_figures(PAGE, f"{table(summaries)}\n\n{line}")
    pictures = PAGE.with_name("pictures")
    pictures.mkdir(exist_ok=True)
    draw_polling(summaries, pictures)
