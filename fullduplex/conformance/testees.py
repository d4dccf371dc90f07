"""Our server and our client under the suite: what is started, in which order, and for how long.

It knows processes, ports and time limits, and refuses to know what the verdicts mean.

Invariants:

1. Everything listens on the loopback interface, on a port that was free.
2. No process outlives the block that started it, and no other process is ever ended.
3. Nothing waits without a limit: not for a port, not for the next case, not for the end.
"""

import asyncio
import contextlib
import shutil
import socket
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import suite

HOST = "127.0.0.1"
# Group 9 sends messages of exactly this size.
LARGEST = 16 * 2**20
START_LIMIT = 30.0
# The longest case takes about 20 s; the suite gives up on one after 100 s.
STALL_LIMIT = 150.0
PROGRESS = "Running test case ID "


class ExaminationFailed(Exception):
    """A process did not start, did not go on, or ended by itself; the message says which."""


@dataclass(frozen=True)
class Testee:
    """One thing to examine: our server with one of its faces, or our client."""

    side: str
    face: str
    compression: bool

    @property
    def title(self) -> str:
        """What our tables call it."""
        return f"{self.side}, {self.face} face"

    @property
    def agent(self) -> str:
        """What the suite calls it."""
        return f"fullduplex-{self.side}-{self.face}"

    @property
    def folder(self) -> Path:
        """Where the suite's reports on it and everyone's logs are."""
        return suite.CACHE / "reports" / self.agent


@dataclass(frozen=True)
class Examination:
    """Some cases for one testee, run by one process of the suite; `number` tells it from the others."""

    testee: Testee
    number: int
    cases: Sequence[str]

    @property
    def folder(self) -> Path:
        """Where the suite's report and everyone's logs are."""
        return self.testee.folder / str(self.number)

    async def run(self, begun: Callable[[Testee, str], None]) -> None:
        """Run the suite, tell of each case as it begins, and leave the report in the folder.

        Raises:
            ExaminationFailed: when it could not be done to the end.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        await (self._examine_server(begun) if self.testee.side == "server" else self._examine_client(begun))

    async def _examine_server(self, begun: Callable[[Testee, str], None]) -> None:
        port = free_port()
        command = [sys.executable, "-m", "fullduplex", "echo", "--host", HOST, "--port", str(port)]
        command += ["--face", self.testee.face, "--max-size", str(LARGEST), *self._switches]
        servers = [{"agent": self.testee.agent, "url": f"ws://{HOST}:{port}"}]
        async with self._started("server", command) as server:
            if not await opens_port(port, server):
                raise self._failure("the server did not start")
            async with self._suite("fuzzingclient", servers=servers) as examiner:
                await self._follow(examiner, begun, until=examiner)
            if server.returncode is not None:
                raise self._failure("the server ended by itself")

    async def _examine_client(self, begun: Callable[[Testee, str], None]) -> None:
        url = f"ws://{HOST}:{free_port()}"
        command = [sys.executable, str(suite.HERE / "client.py"), url, self.testee.agent, *self._switches]
        async with self._suite("fuzzingserver", url=url) as examiner:
            if not await opens_port(int(url.rpartition(":")[2]), examiner):
                raise self._failure("the suite did not start")
            async with self._started("client", command) as client:
                await self._follow(examiner, begun, until=client)
            if client.returncode:
                raise self._failure("the client ended with an error")

    def _failure(self, what: str) -> ExaminationFailed:
        return ExaminationFailed(f"{self.testee.title}: {what}; the logs are in {self.folder}")

    @property
    def _switches(self) -> list[str]:
        return [] if self.testee.compression else ["--no-compression"]

    @contextlib.asynccontextmanager
    async def _suite(self, mode: str, **settings: object) -> AsyncIterator[Process]:
        specification = {"outdir": str(self.folder), "cases": list(self.cases), **settings}
        command = suite.command(mode, specification, self.folder)
        async with running(command, stdout=PIPE, env=suite.environment()) as process:
            yield process

    @contextlib.asynccontextmanager
    async def _started(self, name: str, command: Sequence[str]) -> AsyncIterator[Process]:
        with (self.folder / f"{name}.log").open("wb") as log:
            async with running(command, stdout=log) as process:
                yield process

    async def _follow(
        self, examiner: Process, begun: Callable[[Testee, str], None], *, until: Process
    ) -> None:
        """Log what the suite prints, and tell of its cases, until a process ends."""
        try:
            async with asyncio.timeout(STALL_LIMIT) as patience:
                copying = asyncio.create_task(self._copy(examiner, begun, patience))
                try:
                    await until.wait()
                finally:
                    copying.cancel()
        except TimeoutError:
            if not patience.expired():
                raise
            raise self._failure(f"no progress for {STALL_LIMIT:.0f} s") from None

    async def _copy(
        self, examiner: Process, begun: Callable[[Testee, str], None], patience: asyncio.Timeout
    ) -> None:
        assert examiner.stdout is not None
        with (self.folder / "suite.log").open("wb") as log:
            async for line in examiner.stdout:
                log.write(line)
                text = line.decode(errors="replace")
                if text.startswith(PROGRESS):
                    patience.reschedule(asyncio.get_running_loop().time() + STALL_LIMIT)
                    begun(self.testee, text.removeprefix(PROGRESS).split(" ")[0])


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], *, stdout: int | IO[bytes], env: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """Start a process, and end it with the block: politely, then surely."""
    process = await asyncio.create_subprocess_exec(*command, stdout=stdout, stderr=STDOUT, env=env)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


def free_port() -> int:
    """Return a port that nobody listens on at present."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def opens_port(port: int, process: Process) -> bool:
    """Wait until `process` takes connections on `port`; False when it ends or is too slow."""
    deadline = time.monotonic() + START_LIMIT
    while process.returncode is None and time.monotonic() < deadline:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        # As long as nobody listens, our end may be given the same port, and is then connected with itself.
        is_other = writer.get_extra_info("sockname") != writer.get_extra_info("peername")
        writer.close()
        if is_other:
            return True
    return False
