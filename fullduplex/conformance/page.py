"""What a whole run found, as a page of the documentation.

It knows the page's words, and refuses to know how its figures came about.
"""

import itertools
from collections.abc import Mapping, Sequence

from verdicts import COLUMNS, GROUPS, Run, Verdict, counts, deviations, groups

PAGE = """\
# Conformance

`./run conformance --write` made this page on {date}, from a run of every case
of Autobahn's test suite against the server, with either of its faces, and the
client. Versions: {versions}.

Each cell counts the cases that ended
OK / non-strict / informational / unimplemented / failed.

{table}

{summary}

## What isn't plainly OK

{exceptions}

Which of these may be so, and why, is written down in
`fullduplex/conformance/expectations.toml`; a case that ends otherwise, better
or worse, fails the run. `./run test` runs all groups before 12, and of each set of
12 and 13 a small and a large payload; `./run conformance` runs everything.
"""


def render(runs: Sequence[Run], date: str, versions: Mapping[str, str]) -> str:
    """Return the page, in Markdown."""
    return PAGE.format(
        date=date,
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        table=_table(["group", *(run.title for run in runs)], _rows(runs)),
        summary="\n".join(itertools.chain.from_iterable(map(deviations, runs)))
        or "Every case ended as expected.",
        exceptions=_exceptions(runs) or "Nothing.",
    )


def _rows(runs: Sequence[Run]) -> list[list[str]]:
    rows = [
        [f"{group} {GROUPS[group]}", *(_cell(counts(run, group)) for run in runs)] for group in groups(runs)
    ]
    return [*rows, ["in all", *(_cell(counts(run)) for run in runs)]]


def _cell(verdicts: Mapping[Verdict, int]) -> str:
    return " / ".join(str(verdicts.get(verdict, 0)) for verdict in COLUMNS)


def _exceptions(runs: Sequence[Run]) -> str:
    others: dict[tuple[str, Verdict], list[Run]] = {}
    for run in runs:
        for finding in run.findings:
            if finding.verdict is not Verdict.OK:
                others.setdefault((finding.case, finding.verdict), []).append(run)
    if not others:
        return ""
    rows = [
        [case, verdict.lower(), _who(having, runs), _why(case, having[0])]
        for (case, verdict), having in others.items()
    ]
    return _table(["case", "ended", "with", "why"], rows)


def _who(having: Sequence[Run], runs: Sequence[Run]) -> str:
    return "all" if len(having) == len(runs) else "; ".join(run.title for run in having)


def _why(case: str, run: Run) -> str:
    expectation = run.expected.get(case)
    return expectation.why if expectation else "**not expected**"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ["---"] * len(heads), *rows])
