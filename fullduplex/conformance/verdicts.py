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
from typing import Any


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


@dataclass(frozen=True)
class Expectation:
    """How a case may end, where that is not OK, and why that is right."""

    verdicts: frozenset[Verdict]
    why: str


Expectations = Mapping[str, Expectation]


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
    """Read how the cases of one testee may end that may end other than OK.

    Each has a `verdict`, one or a list, and a `why`; those of `any` testee are overridden by its own.
    """
    sides = tomllib.loads(path.read_text(encoding="utf-8"))
    entries: dict[str, dict[str, Any]] = sides["any"] | sides.get(side, {}).get(face, {})
    return {
        case: Expectation(frozenset(map(Verdict, _listed(entry["verdict"]))), entry["why"])
        for case, entry in entries.items()
    }


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
        expectation = run.expected.get(finding.case)
        due = expectation.verdicts if expectation else {Verdict.OK}
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
    heads = "".join(f"{head:>5}" for head in HEADS)
    lines = [" " * 27 + "".join(f" │ {run.title:<{len(heads)}}" for run in runs)]
    lines.append(f"{'':27}" + f" │ {heads}" * len(runs))
    for group in groups(runs):
        cells = "".join(" │ " + _row(counts(run, group)) for run in runs)
        lines.append(f"{group:>2} {GROUPS[group]:<24}{cells}")
    totals = "".join(" │ " + _row(counts(run)) for run in runs)
    return "\n".join([*lines, f"   {'in all':<24}{totals}"])


def groups(runs: Sequence[Run]) -> list[str]:
    """Return the groups that were run, in their order."""
    return [group for group in GROUPS if any(counts(run, group) for run in runs)]


def counts(run: Run, group: str | None = None) -> Counter[Verdict]:
    """Count the verdicts of a group, or of all."""
    return Counter(f.verdict for f in run.findings if group in (None, f.case.partition(".")[0]))


def _row(verdicts: Counter[Verdict]) -> str:
    return "".join(f"{verdicts[verdict] or '·':>5}" for verdict in COLUMNS)
