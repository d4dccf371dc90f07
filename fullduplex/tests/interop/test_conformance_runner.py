"""How the conformance runner divides the suite and what it makes of its reports, without the suite."""

import asyncio
import importlib
import json
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "conformance"


@pytest.fixture(scope="module")
def scripts() -> Iterator[None]:
    """Let the runner's scripts be imported by the names by which they know each other."""
    sys.path.insert(0, str(FOLDER))
    before = set(sys.modules)
    yield
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == FOLDER:
            del sys.modules[name]


@pytest.fixture(scope="module")
def verdicts(scripts: None) -> ModuleType:
    """The module that reads reports."""
    return importlib.import_module("verdicts")


@pytest.fixture(scope="module")
def suite(scripts: None) -> ModuleType:
    """The module that knows the suite's cases."""
    return importlib.import_module("suite")


@pytest.fixture(scope="module")
def schedule(scripts: None) -> ModuleType:
    """The module that divides the cases."""
    return importlib.import_module("schedule")


@pytest.fixture(scope="module")
def testees(scripts: None) -> ModuleType:
    """The module that starts what is examined."""
    return importlib.import_module("testees")


@pytest.fixture(scope="module")
def page(scripts: None) -> ModuleType:
    """The module that writes the page of the documentation."""
    return importlib.import_module("page")


def run_of(verdicts: ModuleType, expected: Mapping[str, str], **words: str) -> Any:
    """Make a run with what was expected, and how its cases ended; `c7_13_1` stands for 7.13.1."""
    findings = [
        verdicts.Finding(case.strip("c").replace("_", "."), verdicts.Verdict(word), "as reported")
        for case, word in words.items()
    ]
    due = {
        case: verdicts.Expectation({verdicts.Verdict(word)}, "It is open.") for case, word in expected.items()
    }
    return verdicts.Run("server, event face", due, findings)


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
    run = run_of(verdicts, {"7.13.1": "INFORMATIONAL"}, c1_1_1="OK", c7_13_1="INFORMATIONAL")

    assert verdicts.deviations(run) == []


@pytest.mark.parametrize(
    "word, expected", [("NON-STRICT", "OK"), ("OK", "NON-STRICT"), ("FAILED", "OK"), ("FAILED", "FAILED")]
)
def test_other_verdicts_deviate(verdicts: ModuleType, word: str, expected: str) -> None:
    """Worse deviates, better deviates too, and FAILED whatever was expected."""
    [line] = verdicts.deviations(run_of(verdicts, {"3.2": expected}, c3_2=word))

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
    """The file of expectations can be read; whatever isn't OK is informational, and says why."""
    expected = verdicts.read_expectations(FOLDER / "expectations.toml", side, face)

    assert {case: each.verdicts for case, each in expected.items()} == {
        case: {"INFORMATIONAL"} for case in ("7.1.6", "7.13.1", "7.13.2")
    }
    assert all(each.why for each in expected.values())


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

    with pytest.raises(suite.NoPython, match="NOTHING WAS TESTED"):
        suite.find_python()


CASES = ["1.1.1", "6.4.1", "9.1.1", *(f"12.1.{number}" for number in range(1, 19))]


def test_parts_cost_alike(schedule: ModuleType) -> None:
    """The cases of a testee are divided in their order; no part is long, and each has its own number."""
    parts = schedule.divide("somebody", CASES * 4)

    assert [case for part in parts for case in part.cases] == CASES * 4
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert all(sum(map(schedule.cost, part.cases)) <= schedule.PART for part in parts)
    assert len(parts) < 2 * sum(map(schedule.cost, CASES * 4)) / schedule.PART


class Examination:
    """Stands for some cases: it notes when they begin and end, and may fail."""

    def __init__(self, log: list[str], name: str, fails: type[Exception] | None = None) -> None:
        self.cases = [f"1.{name}"]
        self._log = log
        self._name = name
        self._fails = fails

    async def run(self, begun: Callable[[Any, str], None]) -> None:
        """Begin, let others run, and end."""
        self._log.append(f"begin {self._name}")
        begun(self, self.cases[0])
        await asyncio.sleep(0)
        if self._fails is not None:
            raise self._fails(self._name)
        await asyncio.sleep(0)
        self._log.append(f"end {self._name}")


async def test_some_run_together(schedule: ModuleType) -> None:
    """As many are examined at a time as was asked for; the next begins when one has ended."""
    log: list[str] = []

    await schedule.examine([Examination(log, str(number)) for number in range(3)], 2)

    assert log == ["begin 0", "begin 1", "end 0", "begin 2", "end 1", "end 2"]


async def test_failure_ends_others(schedule: ModuleType) -> None:
    """When one can't be examined, the others are given up, and it is said which."""
    log: list[str] = []
    examinations: Sequence[Examination] = [
        Examination(log, "0", schedule.ExaminationFailed),
        *(Examination(log, str(number)) for number in (1, 2)),
    ]

    with pytest.raises(schedule.ExaminationFailed, match="0"):
        await schedule.examine(examinations, 2)

    assert log == ["begin 0", "begin 1"]


def test_progress_is_shown(
    schedule: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Now and then it is said how far the run is, and how long the rest will take as it goes."""
    clock = iter([0.0, 5.0, 40.0, 40.0, 42.0])
    monkeypatch.setattr(schedule.time, "monotonic", lambda: next(clock))
    testee = SimpleNamespace(title="server")
    progress = schedule.Progress(["12.1.10", "12.1.10", "12.1.10"], 2)
    for _ in range(3):
        progress.begun(testee, "12.1.10")

    assert capsys.readouterr().out.splitlines() == [
        "3 cases, 2 at a time: about 5 s",
        "1 of 3 done, about 80 s left (server: 12.1.10)",
    ]


async def test_own_end_is_no_server(testees: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection with itself, which TCP makes where nobody listens, isn't taken for a server's."""
    listening = await asyncio.start_server(lambda reader, writer: writer.close(), testees.HOST, 0)
    port = listening.sockets[0].getsockname()[1]
    connect = asyncio.open_connection
    attempts = 0

    async def connect_itself(host: str, port: int) -> Any:
        nonlocal attempts
        attempts += 1
        if attempts > 1:
            return await connect(host, port)
        sock = socket.socket()
        sock.bind((host, 0))
        sock.connect(sock.getsockname())
        sock.setblocking(False)
        return await connect(sock=sock)

    monkeypatch.setattr(asyncio, "open_connection", connect_itself)
    async with listening:
        assert await testees.opens_port(port, SimpleNamespace(returncode=None))

    assert attempts == 2


def test_page_tells_everything(verdicts: ModuleType, page: ModuleType) -> None:
    """The page has the figures of each testee, and what isn't OK with its reason or without one."""
    good = run_of(verdicts, {"7.1.6": "INFORMATIONAL"}, c1_1_1="OK", c7_1_6="INFORMATIONAL")
    bad = run_of(verdicts, {"7.1.6": "INFORMATIONAL"}, c1_1_1="FAILED", c7_1_6="INFORMATIONAL")

    text = page.render([good, bad], "2020-02-20", {"fullduplex": "1.2.3"})

    assert "made this page on 2020-02-20" in text
    assert "fullduplex 1.2.3." in text
    assert "| 1 framing | 1 / 0 / 0 / 0 / 0 | 0 / 0 / 0 / 0 / 1 |" in text
    assert "| in all | 1 / 0 / 1 / 0 / 0 | 0 / 0 / 1 / 0 / 1 |" in text
    assert "| 7.1.6 | informational | all | It is open. |" in text
    assert "| 1.1.1 | failed | server, event face | **not expected** |" in text
    assert "server, event face: FAILED (as reported), expected OK: 1.1.1" in text
    assert "Every case ended as expected." in page.render([good], "2020-02-20", {})
