"""What the conformance runner makes of the suite's reports, without the suite."""

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "conformance"


@pytest.fixture(scope="module")
def verdicts() -> ModuleType:
    """The module that reads reports, which lives in a folder of scripts."""
    return load("verdicts")


@pytest.fixture(scope="module")
def suite() -> ModuleType:
    """The module that knows the suite's cases."""
    return load("suite")


def load(name: str) -> ModuleType:
    """Import a script of the conformance folder, under a name that nobody else has."""
    specification = importlib.util.spec_from_file_location(f"conformance_{name}", FOLDER / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


def run_of(verdicts: ModuleType, expected: Mapping[str, set[str]], **words: str) -> object:
    """Make a run whose cases ended with the given words; `c7_13_1` stands for 7.13.1."""
    findings = [
        verdicts.Finding(case.strip("c").replace("_", "."), verdicts.Verdict(word), "as reported")
        for case, word in words.items()
    ]
    return verdicts.Run("server, event face", expected, 1.0, findings)


def report(folder: Path, cases: Mapping[str, tuple[str, str]]) -> Path:
    """Write a report as the suite does: behaviour and closing for each case."""
    entries = {case: {"behavior": how, "behaviorClose": closing} for case, (how, closing) in cases.items()}
    (folder / "index.json").write_text(json.dumps({"us": entries}))
    return folder


@pytest.mark.parametrize(
    "behavior, closing, verdict",
    [
        ("OK", "OK", "OK"),
        ("NON-STRICT", "OK", "NON-STRICT"),
        ("OK", "INFORMATIONAL", "INFORMATIONAL"),
        ("UNIMPLEMENTED", "OK", "UNIMPLEMENTED"),
        ("FAILED", "OK", "FAILED"),
        ("OK", "FAILED", "FAILED"),
        ("OK", "UNCLEAN", "FAILED"),
        ("OK", "WRONG CODE", "FAILED"),
        ("NON-STRICT", "FAILED BY CLIENT", "FAILED"),
    ],
)
def test_worse_verdict_counts(
    verdicts: ModuleType, tmp_path: Path, behavior: str, closing: str, verdict: str
) -> None:
    """A case is as good as the worse of its message and its closing handshake."""
    [finding] = verdicts.read_report(report(tmp_path, {"1.1.1": (behavior, closing)}), "us", ["1.1.1"])

    assert finding.verdict == verdict


def test_absent_case_is_failed(verdicts: ModuleType, tmp_path: Path) -> None:
    """A case that left nothing behind was not run: its connection was refused."""
    report(tmp_path, {"1.1.1": ("OK", "OK")})

    findings = verdicts.read_report(tmp_path, "us", ["1.1.1", "1.1.2"])

    assert [finding.verdict for finding in findings] == ["OK", "FAILED"]


def test_absent_report_is_failed(verdicts: ModuleType, tmp_path: Path) -> None:
    """No report, or one on somebody else, is no success."""
    assert [f.verdict for f in verdicts.read_report(tmp_path, "us", ["1.1.1"])] == ["FAILED"]

    report(tmp_path, {"1.1.1": ("OK", "OK")})

    assert [f.verdict for f in verdicts.read_report(tmp_path, "them", ["1.1.1"])] == ["FAILED"]


def test_expected_verdicts_pass(verdicts: ModuleType) -> None:
    """A case that ends as expected is no deviation."""
    run = run_of(verdicts, {"7.13.1": {"INFORMATIONAL"}}, c1_1_1="OK", c7_13_1="INFORMATIONAL")

    assert verdicts.deviations(run) == []


@pytest.mark.parametrize(
    "word, expected", [("NON-STRICT", "OK"), ("OK", "NON-STRICT"), ("FAILED", "OK"), ("FAILED", "FAILED")]
)
def test_other_verdicts_deviate(verdicts: ModuleType, word: str, expected: str) -> None:
    """Worse deviates, better deviates too, and FAILED whatever was expected."""
    [line] = verdicts.deviations(run_of(verdicts, {"3.2": {expected}}, c3_2=word))

    assert line == f"server, event face: {word} (as reported), expected {expected}: 3.2"


def test_exceptions_are_listed(verdicts: ModuleType) -> None:
    """Every case that is not OK is named, kind by kind."""
    run = run_of(verdicts, {}, c1_1_1="OK", c3_2="NON-STRICT", c3_3="NON-STRICT", c9_1_1="FAILED")

    assert verdicts.exceptions(run) == [
        "server, event face: FAILED: 9.1.1",
        "server, event face: NON-STRICT: 3.2 3.3",
    ]


def test_table_counts_by_group(verdicts: ModuleType) -> None:
    """The table has a row for each group that was run, and their sum."""
    run = run_of(verdicts, {}, c1_1_1="OK", c1_1_2="OK", c12_1_1="FAILED", c7_1_6="INFORMATIONAL")

    rows = [line.split() for line in verdicts.table([run]).splitlines()[2:]]

    assert [row[0] for row in rows] == ["1", "7", "12", "in"]
    assert [row[-5:] for row in rows] == [
        ["2", "·", "·", "·", "·"],
        ["·", "·", "1", "·", "·"],
        ["·", "·", "·", "·", "1"],
        ["2", "·", "1", "·", "1"],
    ]


@pytest.mark.parametrize("side, face", [("server", "asyncio"), ("server", "event"), ("client", "asyncio")])
def test_expectations_are_verdicts(verdicts: ModuleType, side: str, face: str) -> None:
    """The file of expectations can be read, and expects no failure of anyone."""
    expected = verdicts.read_expectations(FOLDER / "expectations.toml", side, face)

    assert expected["7.1.6"] == {"INFORMATIONAL"}
    assert "FAILED" not in set().union(*expected.values())


def test_patterns_name_whole_parts(suite: ModuleType) -> None:
    """A pattern names a case or a group, never the cases whose ids only begin alike."""
    cases = ["1.1.1", "10.1.1", "12.1.1", "12.1.10", "12.1.11", "12.2.1"]

    assert suite.select_cases(cases, ["1"]) == ["1.1.1"]
    assert suite.select_cases(cases, ["12.*.1"]) == ["12.1.1", "12.2.1"]
    assert suite.select_cases(cases, ["12.1", "1.1.1"]) == ["1.1.1", "12.1.1", "12.1.10", "12.1.11"]


def test_idle_pattern_is_refused(suite: ModuleType) -> None:
    """A pattern that names nothing is a slip, not a short run."""
    with pytest.raises(ValueError, match="'77'"):
        suite.select_cases(["1.1.1"], ["1", "77"])


def test_lack_of_python2_is_loud(suite: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Python 2.7 the runner says what to do."""
    monkeypatch.setattr(suite, "_candidates", lambda: iter([sys.executable, "/nonexistent/python2.7"]))

    with pytest.raises(suite.SuiteUnavailable, match="NOTHING WAS TESTED"):
        suite.find_python()
