"""Break the chat in every way that there is a case for, and say whether it kept its word.

    run.py                    the short set; some minutes
    run.py --long             the long set; under an hour
    run.py --only F-01 F-03   some cases
    run.py --write            write the table into docs/faults.md

It shows what it is at, ends in any case, and says in the end how much of all was seen.  It exits with 0, with
1 if something was broken or cut off, and with 130 when it was interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import random
import signal
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
STUCK = 60.0
"""Seconds by which the whole may be late before it is ended from outside."""


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    sys.path.insert(0, str(ROOT / "hubbub"))
    from faults.case import Size, Verdict, find_cases
    from faults.examine import WHOLE, Finding, examine_all, render, sum_up

    options = read_options()
    size = Size.LONG if options.long else Size.SHORT
    cases = [case for case in find_cases() if not options.only or case.name in options.only]
    if not cases:
        click.echo(f"There is no such case; there are {' '.join(case.name for case in find_cases())}.")
        return 2
    if options.write and options.only:
        click.echo("The page has every case: --write goes without --only.")
        return 2
    # Whoever ends us ends what we have started.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    # So does time, for a case that lets nothing else happen; once may not be enough.
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, WHOLE[size] + STUCK, STUCK)
    findings: list[Finding] = []
    is_interrupted = False
    try:
        asyncio.run(examine_all(cases, size, options.seed, findings))
    except KeyboardInterrupt:
        is_interrupted = True
    click.echo(f"\n{render(findings)}\n\n{sum_up(findings, len(cases))}")
    if is_interrupted:
        return 130
    if options.write:
        write(render(findings), " --long" if options.long else "")
    return int(any(finding.verdict in {Verdict.BROKEN, Verdict.CUT} for finding in findings))


def write(table: str, options: str) -> None:
    """Make the page."""
    from faults.examine import versions

    day = dt.datetime.now(dt.UTC).date().isoformat()
    text = (Path(__file__).with_name("page.md")).read_text("utf-8")
    page = text.format(options=options, day=day, versions=versions(), table=table).replace(
        "  --write", " --write"
    )
    (ROOT / "docs" / "faults.md").write_text(page, "utf-8")


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Break the chat, and say whether it kept its word.")
    parser.add_argument("--long", action="store_true", help="the long set")
    parser.add_argument("--only", nargs="+", default=(), metavar="FAULT", help="only these, such as F-01")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="that chance goes by")
    parser.add_argument("--write", action="store_true", help="write the table into docs/faults.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
