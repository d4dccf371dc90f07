"""Goes through cases, and tells how each ended: as a line for people, and as a table for the page.

Knows no fault.  A case is broken if it says so, if the judge finds an invariant that doesn't hold, or if it
takes for ever.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

import hubbub
from faults.case import BrokenError, Case, Size, UnseenError, Verdict
from faults.lab import Lab

LONGEST: Final = {Size.SHORT: 120.0, Size.LONG: 3600.0}
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
        return f"{self.verdict:8} {self.seconds:6.1f} s  {self.case.name}  {self.case.what}"


async def examine_all(cases: Iterable[Case], size: Size, seed: int) -> list[Finding]:
    """Go through cases one after another, each in a folder of its own, which stays if it is broken."""
    findings = []
    for case in cases:
        folder = Path(tempfile.mkdtemp(prefix=f"{case.name}-"))
        finding = await examine(case, size, seed, folder)
        click.echo("\n  ".join([finding.line, *finding.why]))
        if finding.verdict is Verdict.BROKEN:
            click.echo(f"  what was seen is in {folder}")
        else:
            await asyncio.to_thread(shutil.rmtree, folder)
        findings.append(finding)
    return findings


async def examine(case: Case, size: Size, seed: int, folder: Path) -> Finding:
    """Go through one case, in this folder."""
    start = time.monotonic()
    lab = Lab(folder, seed)
    verdict, why = await _run(case, size, lab)
    return Finding(case, seed, verdict, time.monotonic() - start, lab.figures, why)


async def _run(case: Case, size: Size, lab: Lab) -> tuple[Verdict, tuple[str, ...]]:
    try:
        async with lab, asyncio.timeout(LONGEST[size]) as limit:
            await case.run(lab, size)
    except UnseenError as error:
        return Verdict.UNSEEN, (str(error),)
    except BrokenError as error:
        return Verdict.BROKEN, (str(error),)
    except Exception as error:
        if limit.expired():
            return Verdict.BROKEN, (f"it isn't over after {LONGEST[size]:g} s",)
        return Verdict.BROKEN, ("".join(traceback.format_exception(error)),)
    if broken := (*lab.find_failures(), *(f"{each.invariant}: {each.what}" for each in lab.judge())):
        return Verdict.BROKEN, broken[:_SHOWN]
    return (Verdict.LATE, tuple(lab.late)) if lab.late else (Verdict.HELD, ())


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
