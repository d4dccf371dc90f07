"""Test the library on every CPython here, native and pure, on asyncio's loop and on uvloop.

    ./run matrix                              everything, and Autobahn's suite for each
    ./run matrix --python 3.12 --build pure   one of them
    ./run matrix --here --build pure          with the Python of .venv, on which `./run test` is native
    ./run matrix --quick                      without Autobahn's suite

Knows which tests depend on the interpreter, the build or the loop; the others are run once, at first.  Of
Autobahn's suite all cases are run on CPython 3.11, and elsewhere most of those of compression are left out.
Both loops are in one run: each test that needs a loop is run on both, and counted by what its name says.  It
exits with 1 if anything failed, was skipped, or wasn't run at all.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from pythons import CACHE, CONSTRAINTS, ROOT, VERSIONS, Failed, Python, equipped, find, pip

BUILDS = {"native": "1", "pure": "0"}
LOOPS = ("asyncio", "uvloop")
TESTS = Path("fullduplex", "tests")
# They speak of other programs, of pages and of the repository.
ONCE = ("bench", "docs", "interop", "test_examples.py", "test_structure.py")
LOOP = re.compile(r"[\[-](asyncio|uvloop)[\]-]")


class Outcome(NamedTuple):
    """What became of one build on one CPython."""

    release: str
    build: str
    #: How many tests passed, by the loop that they ran on; and how many didn't, by what they did instead.
    tests: Counter[str]
    conformance: str
    seconds: float

    def is_good(self) -> bool:
        """Tell whether all was run, and all passed."""
        astray = self.tests["failed"] + self.tests["skipped"]
        return not astray and all(self.tests[loop] for loop in LOOPS) and self.conformance != "FAILED"


def main() -> int:
    """Test what the command line asks for; return the exit status."""
    options = read_options()
    outcomes = []
    try:
        for python in [here()] if options.here else find(options.python or VERSIONS):
            tester = Path(sys.executable) if options.here else prepare(python)
            for build in options.build or BUILDS:
                # What is run once is run first.
                tests = [TESTS] if not outcomes and not options.here else tests_of_builds()
                outcomes.append(examine(python, tester, build, tests, suite(options, python)))
                print(table(outcomes), flush=True)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0 if all(outcome.is_good() for outcome in outcomes) else 1


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./run matrix", description="Test the library in every way.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--python", choices=VERSIONS, action="append", help="only this one; may be repeated")
    which.add_argument("--here", action="store_true", help="only the one that runs this, as it is")
    parser.add_argument("--build", choices=BUILDS, action="append", help="only this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="leave Autobahn's suite out")
    return parser.parse_args()


def here() -> Python:
    """Return the CPython that runs this."""
    release = platform.python_version()
    return Python(release.rpartition(".")[0], release, sys.executable)


def prepare(python: Python) -> Path:
    """Install the library, its native part and the tools for one CPython; return the Python to test with."""
    tester = equipped(python, "test", CONSTRAINTS, ROOT / "constraints-dev.txt")
    # One that is there may not stand in for one that fails to compile.
    for module in (ROOT / "fullduplex" / "src").rglob(f"*.cpython-{python.version.replace('.', '')}-*.so"):
        module.unlink()
    editable = ("--editable", ROOT / "fullduplex", "--editable", ROOT / "hubbub")
    pip(tester, "--no-index", "--no-build-isolation", *editable, FULLDUPLEX_NATIVE="1")
    return tester


def tests_of_builds() -> list[Path]:
    """Return where the tests are that depend on the interpreter, the build or the loop."""
    parts = {path.relative_to(ROOT / TESTS).parts[0] for path in (ROOT / TESTS).rglob("test_*.py")}
    return [TESTS / part for part in sorted(parts.difference(ONCE))]


def suite(options: argparse.Namespace, python: Python) -> list[str] | None:
    """Return the options with which Autobahn's suite is to be run, None if it isn't."""
    if options.quick:
        return None
    return [] if python.version == VERSIONS[0] and not options.here else ["--quick"]


def examine(
    python: Python, tester: Path, build: str, tests: Sequence[Path], suite_options: Sequence[str] | None
) -> Outcome:
    """Run all that there is for one build on one CPython, showing what it says."""
    print(f"\n==== CPython {python.release}, {build} ====", flush=True)
    start = time.monotonic()
    environment = {**os.environ, "CI": "1", "FULLDUPLEX_NATIVE": BUILDS[build]}
    report = CACHE / f"report-{python.version}-{build}.xml"
    report.unlink(missing_ok=True)
    CACHE.mkdir(exist_ok=True)
    command = [tester, "-m", "pytest", "--quiet", f"--junitxml={report}", *tests]
    subprocess.call(command, cwd=ROOT, env=environment)
    conformance = "-"
    if suite_options is not None:
        command = [tester, ROOT / "fullduplex" / "conformance" / "run.py", *suite_options]
        conformance = "FAILED" if subprocess.call(command, cwd=ROOT, env=environment) else "ok"
    return Outcome(python.release, build, count(report), conformance, time.monotonic() - start)


def count(report: Path) -> Counter[str]:
    """Count in pytest's report what passed on which loop, and what didn't."""
    if not report.is_file():
        return Counter(failed=1)
    return Counter(map(kind, ET.parse(report).iter("testcase")))


def kind(case: ET.Element) -> str:
    """Return the loop that a test passed on, or what else became of it."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None:
        return "skipped"
    loop = LOOP.search(case.get("name", ""))
    return loop[1] if loop else "other"


def table(outcomes: Sequence[Outcome]) -> str:
    """Lay the outcomes out, a line each."""
    columns = (*LOOPS, "other", "skipped", "failed")
    lines = [("CPython", "build", *columns, "Autobahn", "minutes")]
    for release, build, tests, conformance, seconds in outcomes:
        counts = (str(tests[column]) for column in columns)
        lines.append((release, build, *counts, conformance, f"{seconds / 60:.1f}"))
    return "\n" + "\n".join("  ".join(f"{cell:>8}" for cell in line) for line in lines)


if __name__ == "__main__":
    sys.exit(main())
