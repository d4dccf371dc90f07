"""Examine our server and our client with Autobahn's test suite, and say how they did.

    python fullduplex/conformance/run.py                          the core, the limits, samples of compression
    python fullduplex/conformance/run.py --all                    all 517 cases; compression takes long
    python fullduplex/conformance/run.py --side client --cases 6 7.3.*

It exits with 0 when every case ended as `expectations.toml` says, with 1 when one did not, and with 2
when the suite could not be had or not be run to its end, and nothing is known.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import suite
from testees import ExaminationFailed, Testee
from verdicts import Run, deviations, exceptions, read_expectations, read_report, table

CORE = ["1", "2", "3", "4", "5", "6", "7", "9", "10"]
# One small and one large payload of each of the twelve sets.
COMPRESSION = ["12.*.1", "12.*.11", "13.*.1", "13.*.11"]
FACES = {"server": ["asyncio", "event"], "client": ["asyncio"]}


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    options = read_options()
    try:
        suite.install()
        cases = suite.select_cases(suite.all_cases(), wanted_cases(options))
        runs = [asyncio.run(examine(testee, cases, options.time_limit)) for testee in testees(options)]
    except (suite.SuiteUnavailable, ExaminationFailed, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    return report(runs)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Examine server and client with Autobahn's test suite.")
    parser.add_argument("--side", choices=list(FACES), help="examine only the server or only the client")
    parser.add_argument("--face", choices=FACES["server"], help="examine only this face of the server")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="such as 6, 7.3 or 12.*.1; see --all")
    parser.add_argument("--all", action="store_true", help="run every case there is")
    parser.add_argument("--no-compression", action="store_true", help="negotiate no permessage-deflate")
    parser.add_argument("--time-limit", type=float, default=0, metavar="SECONDS", help="for each testee")
    return parser.parse_args()


def wanted_cases(options: argparse.Namespace) -> list[str]:
    """Return the patterns of the cases to run."""
    if options.all:
        return ["*"]
    return options.cases or (CORE if options.no_compression else CORE + COMPRESSION)


def testees(options: argparse.Namespace) -> list[Testee]:
    """Return who is to be examined."""
    return [
        Testee(side, face, compression=not options.no_compression)
        for side, faces in FACES.items()
        if options.side in (side, None)
        for face in faces
        if side == "client" or options.face in (face, None)
    ]


async def examine(testee: Testee, cases: Sequence[str], time_limit: float) -> Run:
    """Examine one testee and read the report."""
    # Large compressed payloads take up to 6 s a case; the others take a tenth of a second.
    limit = time_limit or 120 + 6 * len(cases)
    try:
        seconds = await testee.examine(cases, limit)
    except TimeoutError:
        raise ExaminationFailed(f"{testee.title}: not done after {limit:.0f} s") from None
    expected = read_expectations(suite.HERE / "expectations.toml", testee.side, testee.face)
    return Run(testee.title, expected, seconds, read_report(testee.folder, testee.agent, cases))


def report(runs: Sequence[Run]) -> int:
    """Print what was found, and return the exit status."""
    print("\n" + table(runs) + "\n")
    for line in (line for run in runs for line in exceptions(run)):
        print(line)
    for run in runs:
        print(f"{run.title}: {len(run.findings)} cases in {run.seconds:.0f} s")
    print(f"Reports, a page for each case: {suite.CACHE / 'reports'}")
    surprises = [line for run in runs for line in deviations(run)]
    print("\n" + ("\n".join(surprises) if surprises else "Every case ended as expected."))
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
