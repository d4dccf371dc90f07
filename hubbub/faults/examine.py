"""Goes through cases, and tells how each ended: as a line for people, and as a table for the page.

Knows no fault.  A case is broken if it says so, if the judge finds an invariant that doesn't hold, or if it
takes for ever.  All cases together have a time as well; what isn't over by then is cut off.
"""

from __future__ import annotations

import asyncio
import math
import platform
import shutil
import sqlite3
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

import hubbub
from faults.case import BrokenError, Case, Size, UnseenError, Verdict
from faults.lab import Lab

LONGEST: Final = {Size.SHORT: 120.0, Size.LONG: 600.0}
"""Seconds that a case may take, ..."""
WHOLE: Final = {Size.SHORT: 900.0, Size.LONG: 3000.0}
"""... and all of them."""
_TICK: Final = 30.0
_SHOWN: Final = 5
"""How many of the violations are shown: where there is one there are often hundreds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How a case ended."""

    case: Case
    seed: int
    verdict: Verdict
    seconds: float
    figures: dict[str, str]
    why: tuple[str, ...]

    @property
    def line(self) -> str:
        """What is shown while the others are still to come."""
        return f"         {self.seconds:6.1f} s  {self.verdict}"


async def examine_all(cases: Sequence[Case], size: Size, seed: int, findings: list[Finding]) -> None:
    """Go through cases one after another, each in a folder of its own, which stays if it is broken.

    `findings` gets each as soon as it is there.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number, case in enumerate(cases, 1):
        gone = loop.time() - start
        click.echo(f"{number:2} of {len(cases)}  {gone / 60:4.1f} min  {case.name}  {case.what}")
        folder = Path(tempfile.mkdtemp(prefix=f"{case.name}-"))
        finding = await examine(case, size, seed, folder, WHOLE[size] - gone)
        findings.append(finding)
        click.echo("\n  ".join([finding.line, *finding.why]))
        if finding.verdict is Verdict.BROKEN:
            click.echo(f"  what was seen is in {folder}")
        else:
            await asyncio.to_thread(shutil.rmtree, folder)


async def examine(case: Case, size: Size, seed: int, folder: Path, left: float = math.inf) -> Finding:
    """Go through one case, in this folder; all of them have so many seconds left."""
    start = time.monotonic()
    lab = Lab(folder, seed)
    verdict, why = await _run(case, size, lab, left)
    return Finding(case, seed, verdict, time.monotonic() - start, lab.figures, why)


async def _run(case: Case, size: Size, lab: Lab, left: float) -> tuple[Verdict, tuple[str, ...]]:
    limit = min(LONGEST[size], left)
    try:
        async with lab, asyncio.timeout(limit) as limited:
            _ticking = lab.keep_doing(_tick(lab))
            await case.run(lab, size)
    except UnseenError as error:
        return Verdict.UNSEEN, (str(error),)
    except BrokenError as error:
        return Verdict.BROKEN, (str(error),)
    except Exception as error:
        if limited.expired() and limit == left:
            return Verdict.CUT, (f"there were {max(0.0, left):.0f} s left of {WHOLE[size]:g} s",)
        if limited.expired():
            return Verdict.BROKEN, (f"it isn't over after {LONGEST[size]:g} s",)
        return Verdict.BROKEN, ("".join(traceback.format_exception(error)),)
    if broken := (*lab.find_failures(), *(f"{each.invariant}: {each.what}" for each in lab.judge())):
        return Verdict.BROKEN, broken[:_SHOWN]
    return (Verdict.LATE, tuple(lab.late)) if lab.late else (Verdict.HELD, ())


async def _tick(lab: Lab) -> None:
    """Say from time to time that it goes on."""
    start = time.monotonic()
    while True:
        await asyncio.sleep(_TICK)
        seconds, seen = time.monotonic() - start, len(lab.history.records)
        click.echo(f"         {seconds:6.1f} s  {seen:,} things were seen so far")


def sum_up(findings: Sequence[Finding], cases: int) -> str:
    """Return a line: how many of the cases ended how, and how long they took."""
    counts = Counter(finding.verdict for finding in findings)
    ends = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    minutes = sum(finding.seconds for finding in findings) / 60
    return f"{len(findings)} of {cases} cases in {minutes:.1f} minutes: {', '.join(ends) or 'none'}"


def versions() -> str:
    """Return what was tested, and on what."""
    return (
        f"hubbub {hubbub.__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    )


def render(findings: Sequence[Finding]) -> str:
    """Return the table."""
    lines = ["| fault | what was done | seed | figures | verdict |", "| --- | --- | --- | --- | --- |"]
    for each in findings:
        figures = "; ".join(f"{what} {figure}" for what, figure in each.figures.items())
        why = "".join(f": {reason.splitlines()[-1]}" for reason in each.why[:1])
        cells = each.case.name, each.case.what, str(each.seed), figures, f"{each.verdict}{why}"
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
