"""What the system says of a process: how much memory, time and descriptors it has used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
MIB: Final = 2**20


def memory(pid: int) -> int:
    """Return how many bytes of memory a process has just now."""
    return _memory(pid, "VmRSS")


def most_memory(pid: int) -> int:
    """Return how many bytes of memory a process ever had."""
    return _memory(pid, "VmHWM")


def _memory(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def busy_seconds(pid: int) -> float:
    """Return how long a process has worked."""
    # Behind the name, which may have spaces: its state, and eleven fields on the time in the program.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
