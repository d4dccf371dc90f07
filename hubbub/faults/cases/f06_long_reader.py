"""Somebody reads the SQLite file for long, and backups are made meanwhile, while everybody writes.

As long as one reads, the write-ahead log can't be emptied and grows; soon after the end it is short again.
99 of 100 messages are acknowledged within a second.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Final

from faults.case import Size
from faults.device import Device
from faults.lab import LOBBY, Lab
from hubbub.storage.folder import DATABASE

ACK: Final = 1.0
TEXT: Final = "and so on " * 1_500
LONG: Final = 32 * 2**20
"""How long the log is when it is to be emptied."""


async def run(lab: Lab, size: Size) -> None:
    """Read, and read on."""
    server = await lab.start_server()
    devices = await lab.admit_all(size.pick(4, 10))
    log = server.folder / f"{DATABASE}-wal"
    waits: list[float] = []
    talking = [lab.keep_doing(post(device, waits)) for device in devices]
    with reading(server.folder / DATABASE):
        for number in range(size.pick(1, 5)):
            await server.command("backup", str(lab.folder / f"copy-{number}"))
        long = size.pick(1.25, 5) * LONG
        await lab.until(lambda: log.stat().st_size > long, "the log is long", size.pick(60.0, 300.0))
    longest = log.stat().st_size
    took = await lab.until(lambda: log.stat().st_size <= LONG, "the log is short again")
    for task in talking:
        task.cancel()
    # So much was said that the judge needs seconds to read it.
    await lab.read_logs(LOBBY)
    await lab.settle()
    lab.show("log at its longest, MB", longest / 2**20)
    lab.show("log short again after, s", took)
    lab.show("acknowledged", len(waits))
    lab.time("99 of 100 acks within", quantiles(waits, n=100)[-1], ACK)


@contextmanager
def reading(database: Path) -> Iterator[None]:
    """Read a database for as long as the context lasts."""
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


async def post(device: Device, waits: list[float]) -> None:
    """Write one long message after another, and note how long each acknowledgement takes."""
    loop = asyncio.get_running_loop()
    while True:
        start = loop.time()
        await device.say(LOBBY, TEXT)
        waits.append(loop.time() - start)
