"""The server is killed under thousands of clients, started again, and all return at once.

At first no more are let in than a limit allows.  When they return, they have everything again within 10 s of
the moment at which it can be reached, but for who had tried in vain so often that chance makes them wait
longer.  No tenth of a second has more than 15 % of the herd trying, as far as chance goes, and each costs the
database a few statements at most.
"""

from __future__ import annotations

import asyncio
import math
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

import msgspec

from faults import herd
from faults.case import Size, UnseenError, require
from faults.hasty import hasty, read_statements
from faults.herd import Return
from faults.lab import GENEROUS, Lab
from faults.process import MIB, memory
from hubbub.actions.open_lobby import open_lobby
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.app import now
from hubbub.storage.database import Database
from hubbub.storage.engine import open_engines, sqlite_url
from hubbub.storage.folder import DATABASE
from hubbub.storage.migrate import migrate

BACK = 10.0
CROWDED = 0.15
STATEMENTS = 3
"""How many a client may cost that comes back alone; of those who come together many share one."""
MOST = 60 * 1024
"""Bytes of the server's memory that a client may take."""


async def run(lab: Lab, size: Size) -> None:
    """Let all come, kill the server, and let all come back."""
    count = size.pick(300, 2_000)
    raise_descriptors(count + 200)
    tokens = lab.folder / "tokens"
    data = lab.folder / "data"
    data.mkdir(mode=0o700)
    tokens.write_text("\n".join(await prepare(data, count)))
    limit = count // 10, count // 5
    limits = {"HUBBUB_HELLO_BURST": str(limit[0]), "HUBBUB_HELLOS_PER_SECOND": str(limit[1])}
    counted = lab.folder / "statements"
    server = await lab.start_server(*hasty(statements=counted), **limits)
    async with run_herd(server.address, tokens) as process:
        came = await hear(process)
        await server.stop(kill=True)
        server.environment.update(GENEROUS)
        await server.start()
        up_at = asyncio.get_running_loop().time()
        statements, before = read_statements(counted), memory(server.pid)
        back = await hear(process)
        statements = read_statements(counted) - statements
        grown = memory(server.pid) - before
    check_limit(came, *limit)
    bins = Counter(int(at * 10) for at in back.planned if at >= up_at - back.since)
    lab.show("clients", count)
    lab.show("refused at first", came.refused)
    waited = [at - (up_at - back.since) for at in back.resumed]
    lab.time("99 of 100 are back after", quantiles(waited, n=100)[-1], BACK)
    lab.show("the last after, s", max(waited))
    lab.show("most attempts in 0.1 s", f"{max(bins.values()) / count:.1%}")
    lab.show("statements for each", statements / count)
    lab.show("memory for each, KiB", grown / count / 1024)
    by_chance = 3 * math.sqrt(count * CROWDED * (1 - CROWDED))
    require(max(bins.values()) <= CROWDED * count + by_chance, f"{max(bins.values())} try in 0.1 s")
    require(statements <= STATEMENTS * count + 100, f"{statements} statements for {count} clients")
    require(grown <= MOST * count + 16 * MIB, f"{grown / MIB:.0f} MiB for {count} clients")


def check_limit(came: Return, burst: int, rate: int) -> None:
    """See whether no more were let in at any time than the limit allows."""
    require(came.refused, "nobody was one too many")
    admitted = sorted(came.admitted)
    for number, time in enumerate(admitted):
        allowed = burst + (time - admitted[0]) * rate
        # Who is counted at the door says hello later, and hears of it later still.
        require(number <= allowed + rate, f"{number} were let in where {allowed:.0f} may be")


def raise_descriptors(count: int) -> None:
    """Let this process and those that it starts have so many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise UnseenError(f"{count} descriptors are needed, and {hard} allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


async def prepare(folder: Path, count: int) -> list[str]:
    """Make a chat with so many guests, whom no server would let in as fast; return their tokens."""
    engines = open_engines(sqlite_url(folder / DATABASE))
    await migrate(engines)
    database = Database(engines, lambda _: None, now)
    try:
        await open_lobby(database)
        guests = [sign_in_guest(database, f"guest {number}") for number in range(count)]
        return [signed_in.token for signed_in in await asyncio.gather(*guests)]
    finally:
        await database.close()


@asynccontextmanager
async def run_herd(address: str, tokens: Path) -> AsyncIterator[Process]:
    """Run all clients, in a process of their own."""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, herd.__file__, address, str(tokens), stdout=PIPE, limit=16 * MIB, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        await process.communicate()


async def hear(process: Process) -> Return:
    """Wait until all are there."""
    assert process.stdout is not None
    return msgspec.json.decode(await process.stdout.readline(), type=Return)
