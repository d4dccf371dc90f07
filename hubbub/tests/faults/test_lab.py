"""The lab sees that a server lies, and tells how a case ended."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from faults import examine as examination
from faults.case import BrokenError, Case, Size, UnseenError, Verdict, require
from faults.examine import Finding, examine, examine_all, render, sum_up
from faults.lab import LOBBY, Lab


async def believe_liar(lab: Lab, _size: Size) -> None:
    """Kill a server that says that all is stored before it is, right after it has said so."""
    await lab.start_server(failpoint="ack_first")
    ann = await lab.admit("ann")
    await ann.say(LOBBY, "Is it there?")
    await lab.restart(kill=True)
    await lab.settle()


async def be_late(lab: Lab, _size: Size) -> None:
    """Take longer than one may."""
    lab.time("nothing", 2.0, 1.0)


async def see_nothing(_lab: Lab, _size: Size) -> None:
    """Find nothing to work with."""
    raise UnseenError("there is no disk")


async def find_fault(_lab: Lab, _size: Size) -> None:
    """Find something that must not be."""
    require(condition=False, what="it is gone")


async def stumble(_lab: Lab, _size: Size) -> None:
    """Fail by oneself."""
    raise ZeroDivisionError("by oneself")


async def take_for_ever(_lab: Lab, _size: Size) -> None:
    """Never be over."""
    await asyncio.Event().wait()


def case_of(run) -> Case:  # type: ignore[no-untyped-def]
    """Return a case that does so."""
    return Case("F-00", "f00_test", "what is done", run)


async def test_lost_acknowledgement_is_found(tmp_path: Path) -> None:
    """What was acknowledged and isn't there breaks a case that asks for nothing else."""
    finding = await examine(case_of(believe_liar), Size.SHORT, 1, tmp_path)

    assert finding.verdict is Verdict.BROKEN
    assert any(why.startswith("I1: ") for why in finding.why)


@pytest.mark.parametrize(
    "run, verdict, why",
    [
        (be_late, "late", "nothing took 2.00 s, and may take 1 s"),
        (see_nothing, "not seen", "there is no disk"),
        (find_fault, "BROKEN", "it is gone"),
        (stumble, "BROKEN", "ZeroDivisionError: by oneself"),
    ],
)
async def test_end_of_case_is_told(run, verdict: str, why: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The table says how a case ended, and why."""
    finding = await examine(case_of(run), Size.SHORT, 1, tmp_path)

    row = render([finding]).splitlines()[-1]
    assert row.startswith("| F-00 | what is done | 1 | ")
    assert row.endswith(f" | {verdict}: {why} |")


async def test_time_for_all_is_bounded(tmp_path: Path) -> None:
    """What isn't over when the time for all cases is, is cut off, and counted."""
    finding = await examine(case_of(take_for_ever), Size.SHORT, 1, tmp_path, left=0.05)

    assert finding.verdict is Verdict.CUT
    assert sum_up([finding], 2).startswith("1 of 2 cases in 0.0 minutes: 1 cut off")


async def test_endless_case_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that takes for ever is broken, and the next one is gone through."""
    monkeypatch.setitem(examination.LONGEST, Size.SHORT, 0.05)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    findings: list[Finding] = []

    await examine_all([case_of(take_for_ever), case_of(be_late)], Size.SHORT, 1, findings)

    assert [finding.verdict for finding in findings] == [Verdict.BROKEN, Verdict.LATE]
    assert findings[0].why == ("it isn't over after 0.05 s",)


def test_requirement_says_what_is_so() -> None:
    """A requirement that is met says nothing, another what is so instead."""
    require(condition=True, what="")
    with pytest.raises(BrokenError, match="it is gone"):
        require(condition=False, what="it is gone")
