"""The client that the suite's server examines: it asks for each case in turn and echoes what comes.

It knows the suite's addresses (`/getCaseCount`, `/runCase`, `/updateReports`), and refuses to know
which cases there are or how they ended.

    python client.py ws://127.0.0.1:9001 AGENT [--no-compression]
"""

import argparse
import asyncio
import contextlib
from typing import Any, Literal

from fullduplex import WebSocketException, connect

# Group 9 sends messages of exactly this size.
LARGEST = 16 * 2**20
# No case takes half as long; one that hangs must not keep the others from being run.
CASE_LIMIT = 100.0

Compression = Literal["deflate"] | None


async def run_cases(address: str, agent: str, compression: Compression) -> None:
    """Run every case that the suite's server offers, then have it write its report."""
    async with connect(f"{address}/getCaseCount", proxy=None) as connection:
        count = int(await connection.recv())
    for case in range(1, count + 1):
        # Most cases end in a failure on purpose; the suite judges whether it was the right one.
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            async with asyncio.timeout(CASE_LIMIT):
                await echo(f"{address}/runCase?case={case}&agent={agent}", compression)
    reports = f"{address}/updateReports?agent={agent}"
    async with connect(reports, open_timeout=CASE_LIMIT, proxy=None) as connection:
        await connection.wait_closed()


async def echo(address: str, compression: Compression) -> None:
    """Send every message back until the connection closes."""
    options: dict[str, Any] = {"max_size": LARGEST, "ping_interval": None, "proxy": None}
    async with connect(address, compression=compression, **options) as connection:
        async for message in connection:
            await connection.send(message)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Echo to Autobahn's fuzzing server, case after case.")
    parser.add_argument("address")
    parser.add_argument("agent")
    parser.add_argument("--no-compression", action="store_true")
    options = parser.parse_args()
    asyncio.run(run_cases(options.address, options.agent, None if options.no_compression else "deflate"))
