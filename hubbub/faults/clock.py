"""A wall clock that can be put forward and back under a process that runs, by a shim that it loads."""

from __future__ import annotations

import asyncio
import shutil
import struct
from pathlib import Path
from typing import Final

from faults.case import UnseenError

_SOURCE: Final = Path(__file__).with_name("clock.c")
_SECONDS: Final = struct.Struct("q")


class Clock:
    """The clock of those processes that have its `environment`."""

    def __init__(self, shim: Path, seconds: Path) -> None:
        self.environment = {"LD_PRELOAD": str(shim), "CLOCK_SHIFT": str(seconds)}
        self._seconds = seconds
        self.put(0)

    def put(self, seconds: int) -> None:
        """Let it be so far ahead of the machine's."""
        with self._seconds.open("r+b" if self._seconds.exists() else "wb") as file:
            file.write(_SECONDS.pack(seconds))


async def make_clock(folder: Path) -> Clock:
    """Compile the shim.

    Raises:
        UnseenError: if there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise UnseenError("there is no C compiler")
    shim = folder / "clock.so"
    arguments = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(shim), str(_SOURCE), "-ldl"]
    process = await asyncio.create_subprocess_exec(compiler, *arguments)
    if await process.wait():
        raise UnseenError("the clock can't be compiled")
    return Clock(shim, folder / "clock")
