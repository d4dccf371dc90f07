"""The suite as a program: what it prints, and how it ends."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

from .conftest import FOLDER


async def run(*arguments):
    """Run the suite to its end; return its exit status and what it printed."""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FOLDER / "run.py"), *arguments, stdout=PIPE, stderr=PIPE, env=environment
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


async def test_kept_rules_end_well(address) -> None:
    """A server that keeps what was asked for ends the program with 0, and the table says so."""
    status, printed = await run(address.replace("http", "ws", 1), "--rules", "R3")

    assert status == 0
    assert printed.startswith("kept      R3 ")
    assert printed.endswith("1 kept, 0 BROKEN, 0 not seen\n")


async def test_broken_rule_ends_badly(script, address) -> None:
    """A broken rule ends it with 1, and the table is followed by the frames that show it."""
    way = script("ways").AnswerFirst()
    async with script("breaker").breaking(address.replace("http", "ws", 1), way) as broken:
        status, printed = await run(broken, "--http", address, "--rules", "R3")

    assert status == 1
    assert printed.startswith("BROKEN    R3 ")
    assert 'ann → {"t":"send"' in printed
