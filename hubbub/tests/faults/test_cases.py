"""The short set of faults: real servers, broken on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.case import Case, Size, Verdict, find_cases
from faults.examine import examine

SEED = 1


@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", find_cases(), ids=lambda case: case.module)
async def test_fault_breaks_no_promise(case: Case, tmp_path: Path) -> None:
    """Whatever is broken, the chat keeps its word; how fast, a machine that does much else can't say."""
    finding = await examine(case, Size.SHORT, SEED, tmp_path)

    if finding.verdict is Verdict.UNSEEN:
        pytest.skip(finding.why[0])
    assert finding.verdict in {Verdict.HELD, Verdict.LATE}, finding.why
