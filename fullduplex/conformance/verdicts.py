"""What the suite found: its reports read, its verdicts folded into five, compared with what is expected.

It knows the files that the suite writes and the file of expectations, and refuses to know how the
suite is run.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Verdict(StrEnum):
    """How a case ended, best first."""

    OK = "OK"
    INFORMATIONAL = "INFORMATIONAL"
    NON_STRICT = "NON-STRICT"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    FAILED = "FAILED"


SEVERITY = list(Verdict)
COLUMNS = [Verdict.OK, Verdict.NON_STRICT, Verdict.INFORMATIONAL, Verdict.UNIMPLEMENTED, Verdict.FAILED]
HEADS = ["OK", "non", "info", "unim", "FAIL"]

GROUPS = {
    "1": "framing",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragmentation",
    "6": "UTF-8",
    "7": "closing",
    "9": "limits, performance",
    "10": "automatic fragments",
    "12": "compression: payloads",
    "13": "compression: parameters",
}


# How cases may end, where that is not OK.
Expectations = Mapping[str, set[Verdict]]


@dataclass(frozen=True)
class Finding:
    """The verdict on one case, and the suite's own words for it."""

    case: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class Run:
    """All findings on one testee, and what was expected of it."""

    title: str
    expected: Expectations
    seconds: float
    findings: Sequence[Finding]


def read_report(folder: Path, agent: str, cases: Sequence[str]) -> list[Finding]:
    """Read what the suite wrote about `agent`: one finding for each of `cases`.

    A case that the report does not have is FAILED: a refused connection leaves nothing behind but that.
    """
    index = folder / "index.json"
    report = json.loads(index.read_text()).get(agent, {}) if index.exists() else {}
    return [_finding(case, report.get(case)) for case in cases]


def _finding(case: str, entry: Mapping[str, str] | None) -> Finding:
    if entry is None:
        return Finding(case, Verdict.FAILED, "not in the report")
    behavior, closing = entry["behavior"], entry["behaviorClose"]
    worst = max(_verdict(behavior), _verdict(closing), key=SEVERITY.index)
    return Finding(case, worst, f"behavior {behavior}, closing {closing}")


def _verdict(word: str) -> Verdict:
    # The suite has more words for a bad closing handshake: UNCLEAN, WRONG CODE, FAILED BY CLIENT.
    return Verdict(word) if word in SEVERITY else Verdict.FAILED


def read_expectations(path: Path, side: str, face: str) -> Expectations:
    """Read how the cases of one testee may end that may end other than OK."""
    sides = tomllib.loads(path.read_text(encoding="utf-8"))
    words: dict[str, str | list[str]] = sides["any"] | sides.get(side, {}).get(face, {})
    return {case: {Verdict(word) for word in _listed(choice)} for case, choice in words.items()}


def _listed(choice: str | list[str]) -> list[str]:
    return [choice] if isinstance(choice, str) else choice


def exceptions(run: Run) -> list[str]:
    """Return a line for each verdict other than OK, with the ids of its cases."""
    others = [finding for finding in run.findings if finding.verdict is not Verdict.OK]
    return _lines(run, {finding.case: finding.verdict for finding in others})


def deviations(run: Run) -> list[str]:
    """Return lines for the cases that ended otherwise than expected, for the better or the worse.

    FAILED is never expected.
    """
    surprises = {}
    for finding in run.findings:
        due = run.expected.get(finding.case, {Verdict.OK})
        if finding.verdict not in due or finding.verdict is Verdict.FAILED:
            surprises[finding.case] = (
                f"{finding.verdict} ({finding.detail}), expected {' or '.join(sorted(due))}"
            )
    return _lines(run, surprises)


def _lines(run: Run, labels: Mapping[str, str]) -> list[str]:
    cases: dict[str, list[str]] = {}
    for case, label in labels.items():
        cases.setdefault(label, []).append(case)
    return [f"{run.title}: {label}: {' '.join(cases[label])}" for label in sorted(cases)]


def table(runs: Sequence[Run]) -> str:
    """Draw the counts: a row for each group of cases, five columns for each run."""
    cells = {run.title: Counter((_group(f.case), f.verdict) for f in run.findings) for run in runs}
    present = [group for group in GROUPS if any(_group(f.case) == group for f in runs[0].findings)]
    heads = "".join(f"{head:>5}" for head in HEADS)
    lines = [" " * 27 + "".join(f" │ {run.title:<{len(heads)}}" for run in runs)]
    lines.append(f"{'':27}" + f" │ {heads}" * len(runs))
    for group in present:
        counts = "".join(" │ " + _row(cells[run.title], [group]) for run in runs)
        lines.append(f"{group:>2} {GROUPS[group]:<24}{counts}")
    totals = "".join(" │ " + _row(cells[run.title], present) for run in runs)
    return "\n".join([*lines, f"   {'in all':<24}{totals}"])


def _group(case: str) -> str:
    return case.partition(".")[0]


def _row(cell: Mapping[tuple[str, Verdict], int], groups: Sequence[str]) -> str:
    counts = (sum(cell.get((group, verdict), 0) for group in groups) for verdict in COLUMNS)
    return "".join(f"{count or '·':>5}" for count in counts)
