"""Examine our server and our client with Autobahn's test suite, and say how they did.

    run.py                                all 517 cases
    run.py --quick                        all but most of those of compression, which take long
    run.py --side client --cases 6 7.3.*
    run.py --write                        all, and what was found as a page of the documentation

It exits with 0 when every case ended as `expectations.toml` says, with 1 when one did not, with 2
when the suite could not be run to its end, with 3 when there is no Python 2.7 to run it, and with 130 when
it was interrupted.
"""

import argparse
import asyncio
import os
import platform
import shutil
import sys
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime

import suite
from page import render
from schedule import divide, examine, spell
from testees import Examination, ExaminationFailed, Testee
from verdicts import Run, deviations, exceptions, read_expectations, read_report, table

from fullduplex import __version__

CORE = ["1", "2", "3", "4", "5", "6", "7", "9", "10"]
# One small and one large payload of each of the sets.
COMPRESSION = ["12.*.1", "12.*.11", "13.*.1", "13.*.11"]
FACES = {"server": ["asyncio", "event"], "client": ["asyncio"]}
PAGE = suite.HERE.parents[1] / "docs" / "conformance.md"


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    options = read_options()
    try:
        with suite.alone():
            suite.install()
            cases = suite.select_cases(suite.all_cases(), wanted_cases(options))
            runs, seconds = examine_all(testees(options), cases, options.processes)
    except suite.NoPython as error:
        print(f"\n{error}", file=sys.stderr)
        return 3
    except (suite.SuiteUnavailable, ExaminationFailed, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    if options.write:
        write(runs)
    return report(runs, seconds)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Examine server and client with Autobahn's test suite.")
    parser.add_argument("--side", choices=list(FACES), help="examine only the server or only the client")
    parser.add_argument("--face", choices=FACES["server"], help="examine only this face of the server")
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--cases", nargs="+", metavar="CASE", help="only these, such as 6, 7.3 or 12.*.1")
    some.add_argument("--quick", action="store_true", help="of compression, run only samples")
    parser.add_argument("--no-compression", action="store_true", help="negotiate no permessage-deflate")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, metavar="NUMBER", help="run so many at a time"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.parent.name}/{PAGE.name}")
    options = parser.parse_args()
    if options.write and any((options.side, options.face, options.cases, options.quick)):
        parser.error("--write is for a run of all cases, on both sides")
    if options.write and options.no_compression:
        parser.error("--write is for a run with compression")
    if options.processes < 1:
        parser.error("--processes must be positive")
    return options


def wanted_cases(options: argparse.Namespace) -> list[str]:
    """Return the patterns of the cases to run."""
    if options.cases:
        return list(options.cases)
    if options.no_compression:
        return CORE
    return CORE + COMPRESSION if options.quick else ["*"]


def testees(options: argparse.Namespace) -> list[Testee]:
    """Return who is to be examined."""
    return [
        Testee(side, face, compression=not options.no_compression)
        for side, faces in FACES.items()
        if options.side in (side, None)
        for face in faces
        if side == "client" or options.face in (face, None)
    ]


def examine_all(examined: Sequence[Testee], cases: Sequence[str], processes: int) -> tuple[list[Run], float]:
    """Examine everyone, and read the reports; return what was found, and the seconds that it took."""
    shutil.rmtree(suite.CACHE / "reports", ignore_errors=True)
    parts = {testee: divide(testee, cases) for testee in examined}
    seconds = asyncio.run(examine([part for each in parts.values() for part in each], processes))
    return [read_run(testee, divided) for testee, divided in parts.items()], seconds


def read_run(testee: Testee, parts: Sequence[Examination]) -> Run:
    """Join the reports on one testee."""
    expected = read_expectations(suite.HERE / "expectations.toml", testee.side, testee.face)
    findings = [finding for part in parts for finding in read_report(part.folder, testee.agent, part.cases)]
    return Run(testee.title, expected, findings)


def write(runs: Sequence[Run]) -> None:
    """Write the page that tells what was found."""
    versions = {
        "fullduplex": __version__,
        "Python": platform.python_version(),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "autobahntestsuite": suite.VERSION,
    }
    PAGE.write_text(render(runs, datetime.now(UTC).date().isoformat(), versions), "utf-8")
    print(f"\nWritten: {PAGE}")


def report(runs: Sequence[Run], seconds: float) -> int:
    """Print what was found, and return the exit status."""
    print("\n" + table(runs) + "\n")
    for line in (line for run in runs for line in exceptions(run)):
        print(line)
    print(f"{sum(len(run.findings) for run in runs)} cases in {spell(seconds)}")
    print(f"Reports, a page for each case: {suite.CACHE / 'reports'}")
    surprises = [line for run in runs for line in deviations(run)]
    print("\n" + ("\n".join(surprises) if surprises else "Every case ended as expected."), flush=True)
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
