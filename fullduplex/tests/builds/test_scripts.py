"""How the builds are counted and found; not what they come to."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "builds"

REPORT = """\
<testsuites><testsuite>
<testcase name="test_a[asyncio]"/><testcase name="test_a[uvloop]"/><testcase name="test_b[text-uvloop-3]"/>
<testcase name="test_asyncio"/><testcase name="test_c[uvloops]"/>
<testcase name="test_d[asyncio]"><failure/></testcase><testcase name="test_e"><error/></testcase>
<testcase name="test_f"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the scripts be imported by the names by which they know each other."""
    monkeypatch.syspath_prepend(FOLDER)
    yield
    for name in ("matrix", "pythons", "dist"):
        sys.modules.pop(name, None)


@pytest.fixture
def matrix() -> ModuleType:
    """Import the script."""
    return importlib.import_module("matrix")


def outcome(matrix: ModuleType, tests: dict[str, int], conformance: str = "ok") -> bool:
    """Tell whether an outcome with such counts is a good one."""
    good: bool = matrix.Outcome("3.12.1", "pure", Counter(tests), conformance, 90).is_good()
    return good


def test_tests_are_counted_by_loop(matrix: ModuleType, tmp_path: Path) -> None:
    """A test counts for the loop in its name if it passed, and otherwise as what it did instead."""
    (tmp_path / "report.xml").write_text(REPORT)

    assert matrix.count(tmp_path / "report.xml") == {
        "asyncio": 1,
        "uvloop": 2,
        "other": 2,
        "failed": 2,
        "skipped": 1,
    }


def test_run_without_report_failed(matrix: ModuleType, tmp_path: Path) -> None:
    """An interpreter that died before it could report has failed."""
    assert matrix.count(tmp_path / "report.xml") == {"failed": 1}


def test_good_is_all_of_it(matrix: ModuleType) -> None:
    """Both loops must have been tested, nothing failed or left out."""
    both = {"asyncio": 3, "uvloop": 3, "other": 5}

    assert outcome(matrix, both)
    assert outcome(matrix, both, "-")
    assert not outcome(matrix, both, "FAILED")
    assert not outcome(matrix, both | {"skipped": 1})
    assert not outcome(matrix, both | {"failed": 1})
    assert not outcome(matrix, {"asyncio": 3, "other": 5})


def test_table_has_a_line_each(matrix: ModuleType) -> None:
    """Each build has a line, with what was counted under its heading."""
    tests = Counter({"asyncio": 30, "uvloop": 31, "other": 52})
    lines = matrix.table([matrix.Outcome("3.12.1", "pure", tests, "ok", 90)]).strip().splitlines()

    assert [line.split() for line in lines] == [
        ["CPython", "build", "asyncio", "uvloop", "other", "skipped", "failed", "Autobahn", "minutes"],
        ["3.12.1", "pure", "30", "31", "52", "0", "0", "ok", "1.5"],
    ]


def test_builds_are_tested_by_what_depends_on_them(matrix: ModuleType) -> None:
    """Each build is tested by every folder of tests but those that speak of other things."""
    folders = {path.name for path in matrix.tests_of_builds()}

    assert {"aio", "builds", "emitter", "kernels", "protocol", "transport"} <= folders
    assert folders.isdisjoint(matrix.ONCE)


def test_this_python_is_found() -> None:
    """The version that runs the tests is among those found, and each is of its own version."""
    found = importlib.import_module("pythons").find()

    assert ".".join(map(str, sys.version_info[:2])) in {python.version for python in found}
    assert all(python.release.startswith(f"{python.version}.") for python in found)


def test_sdist_takes_nothing_built(tmp_path: Path) -> None:
    """The copy that packages are made from has sources only."""
    dist = importlib.import_module("dist")

    dist.copy_sources(tmp_path)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}

    assert {".py", ".pyx", ".pxd", ".pxi", ".h", ".toml"} <= suffixes
    assert suffixes.isdisjoint({".so", ".c", ".pyc"})
