"""The suite as a program: what it prints, and how it ends."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE

import pytest
from faults.postgresql import BACKENDS

from hubbub.app import run_chat

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


@pytest.mark.parametrize("backend", BACKENDS)
async def test_every_rule_is_kept_on(roomy, script) -> None:
    """On every database every rule is kept, a delta of a thousand events included."""
    async with run_chat(roomy) as address:
        status, printed = await run(address.replace("http", "ws", 1), "--quick")

    assert status == 0, printed
    print(printed)
    rules = {line.split()[1] for line in printed.splitlines() if line.startswith("kept ")}
    assert rules == set(script("rules").RULES)
    assert re.search(r"  kept +[0-9.]+ s  A thousand events are a delta", printed)
    # Those that want to see too many writes refused.
    assert re.search(r"^[0-9]+ kept, 0 BROKEN, 3 not seen$", printed, re.MULTILINE)
