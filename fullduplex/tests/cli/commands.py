"""The commands as people run them: in processes of their own, with pipes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

from fullduplex import serve

from ..aio.ends import url_of


async def start(*arguments: str, **options: Any) -> Process:
    """Start the command, with pipes."""
    # The copy: readline, which pytest loads, puts a size of the terminal where only children see it.
    options = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "env": {**os.environ}, **options}
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "fullduplex", *arguments, **options)


async def run(*arguments: str, typed: bytes = b"") -> tuple[int | None, str, str]:
    """Run the command to its end; return its status, output and complaints."""
    process = await start(*arguments)
    output, complaints = await process.communicate(typed)
    return process.returncode, output.decode(), complaints.decode()


@contextlib.asynccontextmanager
async def echoing(*arguments: str) -> AsyncIterator[str]:
    """Run ``fullduplex echo`` on a free port; give the address that it prints, and interrupt it."""
    async with echoing_process(*arguments) as (url, _):
        yield url


@contextlib.asynccontextmanager
async def echoing_process(*arguments: str) -> AsyncIterator[tuple[str, Process]]:
    """Do the same, and give the process as well."""
    process = await start("echo", "--port", "0", *arguments)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    match = re.fullmatch(r"Echoing on (ws://localhost:\d+/) — Ctrl-C stops\.\n", line)
    assert match is not None
    try:
        yield match[1], process
    finally:
        process.send_signal(signal.SIGINT)
        output, complaints = await process.communicate()

    assert (process.returncode, output, complaints) == (0, b"", b"")


@contextlib.asynccontextmanager
async def serving(handler: Any, port: int = 0, **options: Any) -> AsyncIterator[str]:
    """Serve in this process; give the address."""
    async with serve(handler, "localhost", port, **options) as server:
        yield url_of(server)
