"""Programs that are measured: how they are started, where they run, what they take and how they are ended.

It knows processes, their processor and their memory, as Linux tells of them; not what is asked of them.

Invariants:

1. A program that was started is ended, whatever happens, and so is what it has started.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

# Other systems than Linux get as far as the sentence that turns them away.
PROCESSORS = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]
SERVER_CORE, LOAD_CORE = PROCESSORS[0], PROCESSORS[-1]


class Failed(Exception):
    """A server or the load didn't do what it should; the sentence has what they said."""


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


def private_bytes(pid: int) -> int:
    """Return the bytes of memory that only this process has."""
    fields = Path(f"/proc/{pid}/smaps_rollup").read_text().split("\n")
    return sum(int(field.split()[1]) * 1024 for field in fields if field.startswith("Private_"))


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has taken."""
    # The number that Linux gives to the clock of another process.
    return time.clock_gettime((~pid << 3) | 2)
