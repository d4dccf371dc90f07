"""The servers that the engine is measured against, and its own: how they are started, watched and ended.

It knows processes, their processor and their memory; not what is sent to them, nor what becomes of figures.

Invariants:

1. A server and what it starts run on one processor, and the load on another, where there are two.
2. A server that was started is ended, whatever happens, and so is what it has started.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import tools

#: Seconds in which a server must listen, and in which the load must have done what it was told.
TO_LISTEN, TO_OBEY = 30, 300
# Other systems than Linux get as far as the sentence that turns them away.
PROCESSORS = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]
SERVER_CORE, LOAD_CORE = PROCESSORS[0], PROCESSORS[-1]


class Failed(Exception):
    """A server or the load didn't do what it should; the sentence has what they said."""


class Server(NamedTuple):
    """A server that can be measured."""

    name: str
    #: The program in the folder of peers, or the task of limit.c.
    program: str
    #: Parts of the task that are always so; see peers/common.py.
    task: Mapping[str, Any] = {}
    environment: Mapping[str, str] = {}

    def command(self, task: Mapping[str, Any]) -> list[str]:
        """Return the command that starts it."""
        if self.program == "limit":
            return [str(tools.compiled("limit")), *task["limit"]]
        run = {".py": lambda: [sys.executable], ".js": self.engine}[Path(self.program).suffix]()
        told = {key: value for key, value in task.items() if key != "limit" and value is not None}
        return [*run, str(tools.PEERS / self.program), json.dumps({**told, **self.task})]

    def engine(self) -> list[str]:
        """Return what runs its JavaScript."""
        return [tools.bun() if self.program.startswith("bun") else tools.node()]

    def variables(self) -> dict[str, str]:
        """Return what its environment has besides ours."""
        folders = [str(tools.ROOT / "fullduplex" / "src"), str(tools.PACKAGES)]
        return {"PYTHONPATH": os.pathsep.join(folders), "NODE_ENV": "production", **self.environment}

    @property
    def is_ours(self) -> bool:
        """Whether this is what is measured, rather than what it is measured against."""
        return self.name.startswith("fullduplex")


PURE = {"FULLDUPLEX_NATIVE": "0"}
SERVERS = {
    "c": Server("C, plain TCP", "limit"),
    "event": Server("fullduplex, event face", "event_face.py"),
    "aio": Server("fullduplex, asyncio face", "asyncio_face.py"),
    "event-deflate": Server("fullduplex, event face, deflated", "event_face.py", {"deflate": True}),
    "event-level-1": Server("fullduplex, event face, level 1", "event_face.py", {"variant": "level 1"}),
    "event-zlib": Server("fullduplex, event face, standard zlib", "event_face.py", {"variant": "zlib"}),
    "event-asyncio": Server("fullduplex, event face, standard loop", "event_face.py", {"loop": "asyncio"}),
    "aio-asyncio": Server("fullduplex, asyncio face, standard loop", "asyncio_face.py", {"loop": "asyncio"}),
    "event-pure": Server("fullduplex, event face, pure", "event_face.py", environment=PURE),
    "aio-pure": Server("fullduplex, asyncio face, pure", "asyncio_face.py", environment=PURE),
    "bridge": Server(
        "fullduplex, uvicorn bridge", "uvicorn_server.py", {"variant": "fullduplex.asgi:UvicornProtocol"}
    ),
    "bun": Server("Bun", "bun_server.js"),
    "picows": Server("picows, core", "picows_core.py"),
    "picows-websockets": Server("picows.websockets", "picows_websockets.py"),
    "aiohttp": Server("aiohttp", "aiohttp_server.py"),
    "ws": Server("ws", "ws_server.js"),
    "granian": Server("granian", "granian_server.py"),
    "uvicorn": Server("uvicorn", "uvicorn_server.py", {"variant": "websockets-sansio"}),
    "tornado": Server("tornado", "tornado_server.py"),
    "websockets": Server("websockets", "websockets_server.py"),
    "client-event": Server("fullduplex, event face, client", "event_client.py"),
    "client-aio": Server("fullduplex, connect", "asyncio_client.py"),
    "client-browser": Server("fullduplex, browser face", "browser_client.py"),
    "client-picows": Server("picows, core, client", "picows_client.py"),
    "client-websockets": Server("websockets, client", "websockets_client.py"),
}


@contextlib.contextmanager
def pinned(processor: int) -> Iterator[None]:
    """Let processes that are started in the block run on one processor."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def family(pid: int) -> list[int]:
    """Return a process and all that it has started, as Linux tells."""
    found = [pid]
    # It grows while it is gone through.
    for each in found:
        for thread in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, thread.read_text().split())
    return found


class Process:
    """A program that answers in lines."""

    def __init__(self, command: list[str], processor: int, environment: Mapping[str, str]) -> None:
        # Closed by `end`.
        self.complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        with pinned(processor):
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.complaints,
                env={**os.environ, **environment},
                bufsize=0,
                start_new_session=True,
            )
        self.name = Path(command[0]).name
        self.unread = b""

    def line(self, begins: str, patience: float) -> str:
        """Wait so many seconds for a line that begins so, and return the rest of it.

        Raises:
            Failed: if it doesn't come.
        """
        assert self.popen.stdout is not None
        end = time.monotonic() + patience
        while True:
            found, newline, rest = self.unread.partition(b"\n")
            if newline:
                self.unread = rest
                if found.startswith(begins.encode()):
                    return found.decode().removeprefix(begins).strip()
                continue
            if not select.select([self.popen.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise Failed(f"{self.name} said nothing for {patience:g} s. {self.complaint()}".strip())
            more = self.popen.stdout.read(65536)
            if not more:
                raise Failed(self.complaint() or f"{self.name} has ended.")
            self.unread += more

    def complaint(self) -> str:
        """Return the end of what it has said on its standard error."""
        self.complaints.seek(0)
        return self.complaints.read().decode(errors="replace").strip()[-1000:]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to what it has started."""
        os.killpg(self.popen.pid, number)

    def end(self) -> None:
        """End it and what it has started, which has the same group."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self.popen.communicate()
        self.complaints.close()


class Running:
    """A server that listens."""

    def __init__(self, server: Server, task: Mapping[str, Any]) -> None:
        self.server = server
        self.process = Process(server.command(task), SERVER_CORE, server.variables())
        try:
            self.port = int(self.process.line("ready", TO_LISTEN))
        except BaseException:
            self.process.end()
            raise

    def pids(self) -> list[int]:
        """Return its processes."""
        return family(self.process.popen.pid)

    def memory(self) -> int:
        """Return the bytes of memory that all its processes have taken, without what they share."""
        return sum(map(private_bytes, self.pids()))

    def timer(self) -> dict[str, float]:
        """Return how the timer on its loop did since it was last asked, in milliseconds."""
        self.process.signal(signal.SIGUSR1)
        figures: dict[str, float] = json.loads(self.process.line("timer", TO_LISTEN))
        return figures

    def end(self) -> None:
        """End it."""
        self.process.end()


def private_bytes(pid: int) -> int:
    """Return the bytes of memory that only this process has."""
    fields = Path(f"/proc/{pid}/smaps_rollup").read_text().split("\n")
    return sum(int(field.split()[1]) * 1024 for field in fields if field.startswith("Private_"))


class Load:
    """The program that makes the load, with its connections to one server."""

    def __init__(self, server: Running, *, tls: bool = False, offer: str | None = None) -> None:
        flags = ["-t"] * tls + (["-o", offer] if offer else [])
        if server.server.program == "limit":
            flags = ["-r"]
        pids = [word for pid in server.pids() for word in ("-s", str(pid))]
        command = [str(tools.load(tls=tls)), *flags, "-p", str(server.port), *pids]
        self.process = Process(command, LOAD_CORE, {})

    def tell(self, *words: object) -> dict[str, Any]:
        """Give a command, and return its figures when it is done.

        Raises:
            Failed: if the load finds anything wrong.
        """
        assert self.process.popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.popen.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        figures: dict[str, Any] = json.loads("{" + self.process.line("{", TO_OBEY))
        return figures

    def end(self) -> None:
        """Cut its connections."""
        self.process.end()
