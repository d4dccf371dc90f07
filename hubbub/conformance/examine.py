"""Goes through the cases, and tells how they ended.

Knows no rule and no frame: only cases, findings, and how they are shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import bounds
import changes
import delivery
import forms
import once
from rules import CASES, RULES, UNSEEN, BrokenError, Case, Finding, UnseenError, Verdict
from stage import House, Stage

from fullduplex import ConnectionClosed, InvalidHandshake

# Importing these makes their cases known.
_HOMES: Final = (delivery, once, changes, forms, bounds)
# Whatever a server does to the suite, it is the server's failure.
_ITS_FAULT: Final = (BrokenError, ConnectionClosed, InvalidHandshake, OSError)


def choose(rules: Iterable[str] = (), *, quick: bool = False) -> list[Case]:
    """Return the cases of some rules, or of all, in their order; a quick look waits for nothing."""
    wanted = set(rules) or set(RULES)
    order = list(RULES)
    cases = [case for case in CASES if case.rule in wanted and not (quick and case.patient)]
    return sorted(cases, key=lambda case: order.index(case.rule))


async def examine(house: House, cases: Sequence[Case]) -> AsyncIterator[Finding]:
    """Go through cases one after another; those that wait for time to pass do so together, in the end."""
    for case in cases:
        if not case.patient:
            yield await examine_case(house, case)
    for waiting in asyncio.as_completed([examine_case(house, case) for case in cases if case.patient]):
        yield await waiting


async def examine_case(house: House, case: Case) -> Finding:
    """Go through one case."""
    start = time.monotonic()
    async with Stage(house) as stage:
        verdict, why = Verdict.KEPT, ""
        try:
            await case.look(stage)
        except UnseenError as error:
            verdict, why = Verdict.UNSEEN, str(error)
        except _ITS_FAULT as error:
            verdict, why = Verdict.BROKEN, str(error) or type(error).__name__
    frames = stage.transcript.lines() if verdict is Verdict.BROKEN else ()
    return Finding(case, verdict, time.monotonic() - start, why, frames)


def verdict_on(rule: str, findings: Iterable[Finding]) -> Verdict | None:
    """Return how a rule did: broken if a case broke it, not seen if none could look; None without a case."""
    verdicts = {finding.verdict for finding in findings if finding.case.rule == rule}
    for verdict in (Verdict.BROKEN, Verdict.KEPT, Verdict.UNSEEN):
        if verdict in verdicts:
            return verdict
    return None


def render(findings: Sequence[Finding], *, frames: int = 12) -> str:
    """Return the table of the rules with their cases; below it, the last frames of each that was broken."""
    lines = [line for rule in RULES for line in _rule(rule, findings)]
    for finding in findings:
        if finding.frames:
            lines += ["", f"{finding.case.rule}: {finding.case.title}", f"  {finding.why}"]
            lines += [f"    {frame}" for frame in finding.frames[-frames:]]
    counts = [sum(it.verdict is verdict for it in findings) for verdict in Verdict]
    summary = ", ".join(f"{count} {verdict}" for count, verdict in zip(counts, Verdict, strict=True))
    return "\n".join([*lines, "", summary])


def _rule(rule: str, findings: Sequence[Finding]) -> list[str]:
    verdict = verdict_on(rule, findings)
    if verdict is None:
        return []
    lines = [f"{verdict:8}  {rule:8} {RULES[rule]}"]
    for finding in findings:
        if finding.case.rule == rule:
            why = f": {finding.why}" if finding.verdict is Verdict.UNSEEN else ""
            lines.append(f"  {finding.verdict:8} {finding.seconds:6.2f} s  {finding.case.title}{why}")
    if rule in UNSEEN:
        lines.append(f"  {'':8} {'':8}  (not to be seen from outside: {UNSEEN[rule]})")
    return lines
