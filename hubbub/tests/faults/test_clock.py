"""A wall clock that is put forward and back."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from faults.case import UnseenError
from faults.clock import make_clock

TELL = """
import sys, time
for _ in sys.stdin:
    print(time.time_ns() // 10**9, int(time.time()), int(time.monotonic()), flush=True)
"""
DAY = 24 * 3600


async def test_clock_jumps_while_running(tmp_path: Path) -> None:
    """A running program's wall clock goes ahead and back; its monotonic one doesn't."""
    try:
        clock = await make_clock(tmp_path)
    except UnseenError as reason:
        pytest.skip(str(reason))
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TELL, env=os.environ | clock.environment, stdin=PIPE, stdout=PIPE
    )
    assert program.stdin
    assert program.stdout
    told: list[list[int]] = []
    for seconds in (0, DAY, -DAY):
        clock.put(seconds)
        program.stdin.write(b"\n")
        told.append([int(word) for word in (await program.stdout.readline()).split()])
    program.stdin.close()
    await program.wait()

    first, ahead, behind = told
    for which in (0, 1):
        assert ahead[which] - first[which] == pytest.approx(DAY, abs=60)
        assert behind[which] - first[which] == pytest.approx(-DAY, abs=60)
    assert behind[2] - first[2] < 60
