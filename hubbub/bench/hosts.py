"""What is measured and what measures it, as processes: the chat, the bare server and writer, and the load.

It knows how they are started, where they run and how they are asked for figures; not what is asked of them.

Invariants:

1. A server runs on one processor, and the load on another, where there are two; a server of PostgreSQL runs
   with the load.
2. A program that was started is ended, whatever happens.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

from faults.postgresql import PostgreSQL, find_programs
from processes import (
    LOAD_CORE,
    SERVER_CORE,
    Failed,
    Process,
    family,
    pinned,
    private_bytes,
    processor_seconds,
)
from sqlalchemy import URL
from town import Town, settle

from hubbub.storage.engine import open_engines, sqlite_url
from hubbub.storage.folder import DATABASE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCES = [ROOT / "fullduplex" / "src", ROOT / "hubbub" / "src"]
#: Seconds in which a server must listen, and in which the load must have done what it was told.
TO_LISTEN, TO_OBEY = 60, 1800
#: The limits that are raised, since one address and few users do everything here.
LIMITS = {
    "write_burst": 10**9,
    "writes_per_second": 10**9,
    "user_write_burst": 10**9,
    "user_writes_per_second": 10**9,
    "address_write_burst": 10**9,
    "address_writes_per_second": 10**9,
    "address_connections": 10**6,
    "hello_burst": 10**6,
    "hellos_per_second": 10**6,
}
#: The commits of the measured PostgreSQL are on its disk.
DURABLE = ("fsync=on", "full_page_writes=on", "max_wal_size=1GB")


class Program:
    """A process of ours, which ends at the latest when the context is left."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def end(self) -> None:
        """End it."""
        self._process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Host(Program):
    """A server of `hubbub.v1`, the chat or what is left of one."""

    def __init__(self, *command: str | Path, **environment: str) -> None:
        begun = time.perf_counter()
        paths = [*SOURCES, *([] if command[0] == "-m" else [HERE, ROOT / "fullduplex" / "bench"])]
        environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
        super().__init__(Process([sys.executable, *map(str, command)], SERVER_CORE, environment))
        try:
            said = self._process.line("Open ", TO_LISTEN)
        except BaseException:
            self.end()
            raise
        self.started = time.perf_counter() - begun
        self.address = f"{said.split()[0].replace('http', 'ws', 1)}/v1/realtime"

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        return family(self._process.popen.pid)

    def cpu(self) -> float:
        """Return the processor time that it has taken."""
        return sum(map(processor_seconds, self.pids))

    def memory(self) -> int:
        """Return the bytes of memory that only it has."""
        return sum(map(private_bytes, self.pids))

    def resident(self) -> int:
        """Return the bytes of memory that it has, shared or not."""
        pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids)
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def queries(self) -> dict[str, int]:
        """Return how many queries a server has made that counts them, since it was last asked."""
        self._process.signal(signal.SIGUSR1)
        said: dict[str, int] = json.loads(self._process.line("queries", TO_LISTEN))
        return said


class Place(NamedTuple):
    """A database of a town: where the chat finds it, and where its driver does."""

    options: tuple[str, ...]
    driver: str


def chat(place: Place, *, counted: bool = False) -> Host:
    """Run the chat; its queries are counted, or it runs as it does elsewhere."""
    command: list[str | Path] = [HERE / "counted.py"] if counted else ["-m", "hubbub"]
    limits = {f"HUBBUB_{name.upper()}": str(value) for name, value in LIMITS.items()}
    return Host(*command, "serve", "--port", "0", *place.options, **limits)


def bare() -> Host:
    """Run what is left of a server without a chat."""
    return Host(HERE / "bare.py")


class Crowd(Program):
    """The load, or a part of it: its connections are cut when it is ended, and not before."""

    def __init__(self, host: Host, town: Town, does: str, **task: Any) -> None:
        told = {"does": does, "address": host.address, "town": town, "cpu": host.pids, **task}
        super().__init__(program("crowd.py", json.dumps(told), processor=LOAD_CORE))
        try:
            self.figures = figures_of(self._process)
        except BaseException:
            self.end()
            raise

    def check(self) -> None:
        """See that it is still there.

        Raises:
            Failed: if it isn't; the sentence says why.
        """
        if self._process.popen.poll() is not None:
            raise Failed(self._process.complaint())


def program(name: str, *arguments: str, processor: int) -> Process:
    """Start a program of this folder."""
    paths = os.pathsep.join(map(str, [*SOURCES, ROOT / "fullduplex" / "bench"]))
    return Process([sys.executable, str(HERE / name), *arguments], processor, {"PYTHONPATH": paths})


def figures_of(process: Process) -> dict[str, Any]:
    """Wait until a program says how it went."""
    figures: dict[str, Any] = json.loads("{" + process.line("{", TO_OBEY))
    return figures


def load(host: Host, town: Town, does: str, **task: Any) -> dict[str, Any]:
    """Let a crowd do something and go, and return how it went."""
    crowd = Crowd(host, town, does, **task)
    crowd.end()
    return crowd.figures


def replay(source: Place, target: Place) -> dict[str, Any]:
    """Let the bare writer store in one database what was stored in another, and return how that went."""
    process = program("replay.py", source.driver, target.driver, processor=SERVER_CORE)
    with Program(process):
        return figures_of(process)


# Databases


class Files:
    """Databases of SQLite: files in a folder, which is removed in the end."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="hubbub-bench-"))
        self._made: dict[Town, Path] = {}
        self._count = 0

    def new(self, town: Town) -> Place:
        """Make a database of a town, in which nothing was said yet."""
        if town not in self._made:
            self._made[town] = file = self._folder / f"town-{len(self._made)}.sqlite"
            asyncio.run(_settle(sqlite_url(file), town))
        self._count += 1
        file = self._folder / str(self._count) / DATABASE
        file.parent.mkdir()
        shutil.copy(self._made[town], file)
        return Place(("--data", str(file.parent)), str(file))

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._folder)


class Servers:
    """Databases of PostgreSQL, on a server of their own.

    Raises:
        Failed: if there is no PostgreSQL here.
    """

    def __init__(self) -> None:
        programs = find_programs()
        if programs is None:
            raise Failed("There is no PostgreSQL here (on Debian and Ubuntu: apt install postgresql).")
        self._server = PostgreSQL(programs, *DURABLE)
        with pinned(LOAD_CORE):
            self._server.__enter__()
        self._count = 0

    def new(self, town: Town) -> Place:
        """Make a database of a town, in which nothing was said yet."""
        self._count += 1
        name = f"town{self._count}"
        asyncio.run(self._server.make(name))
        asyncio.run(_settle(self._server.url(name), town))
        address = self._server.address(name)
        return Place(("--database", address), address)

    def close(self) -> None:
        """Stop the server, and remove its files."""
        self._server.__exit__()


async def _settle(url: URL, town: Town) -> None:
    engines = open_engines(url)
    try:
        await settle(engines, town, time.time_ns() // 1_000_000)
    finally:
        await engines.dispose()
