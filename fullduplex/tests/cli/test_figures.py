"""The figures of a benchmark, for people and for scripts."""

from __future__ import annotations

import json

import pytest

from fullduplex.cli.figures import Figures, duration_text, size_text
from fullduplex.cli.histogram import Histogram
from fullduplex.cli.load import Plan


def some_figures(**changes: object) -> Figures:
    """Return figures of 1000 messages in 2 seconds, of 1 ms each and one of 100 ms."""
    histogram = Histogram()
    for _ in range(999):
        histogram.record(1_000_000)
    histogram.record(100_000_000)
    figures = Figures(
        "ws://localhost:1/",
        Plan(),
        connections=10,
        seconds=2.0,
        processor=1.0,
        rates=[400, 600],
        histogram=histogram,
    )
    figures.phase = "done"
    for name, value in changes.items():
        setattr(figures, name, value)
    return figures


def test_json_has_everything() -> None:
    """A script gets numbers, with durations in milliseconds."""
    found = json.loads(json.dumps(some_figures().to_json()))
    latency = found.pop("latency_ms")

    assert found == {
        "url": "ws://localhost:1/",
        "connections": 10,
        "in_flight": 1,
        "size": 64,
        "type": "text",
        "rate": None,
        "seconds": 2.0,
        "messages": 1000,
        "messages_per_second": 500.0,
        "bytes_per_second": 32000.0,
        "unanswered": 0,
        "client_processor": 0.5,
        "interrupted": False,
        "failure": None,
    }
    assert latency.pop("mean") == 1.099
    assert list(latency) == ["p50", "p90", "p99", "p99.9", "max"]
    assert list(latency.values()) == pytest.approx([1, 1, 1, 1, 100], rel=1 / 64)


def test_nothing_has_figures() -> None:
    """Before anything came back, everything is 0, and nothing is drawn."""
    figures = Figures("ws://localhost:1/", Plan())

    assert figures.to_json()["latency_ms"]["p99"] == 0
    assert [kind for kind, _ in figures.lines(80) if kind in ("rate", "latency")] == []
    assert figures.line() == ": 0 connections, 0 messages/s, p50 0 ns, p99 0 ns"


def test_lines_tell_and_draw() -> None:
    """People get the same in words, a bar for each percentile, and both plots."""
    lines = some_figures().lines(60, height=3)
    texts = [text for _, text in lines]

    assert texts[0] == "ws://localhost:1/  done"
    assert texts[1] == "10 of 10 connections, 1 in flight each, 64 bytes of text"
    assert "messages        500/s   1,000 in 2.0 s" in texts
    assert "bytes       32.0 kB/s   each way, without framing" in texts
    assert "client          50%     of a processor" in texts
    bars = {text.split()[0]: text.count("█") for _, text in lines if text.startswith(("p", "max"))}
    assert list(bars) == ["p50", "p90", "p99", "p99.9", "max"]
    assert bars["p50"] == 0 < bars["max"] == 42
    assert [kind for kind, _ in lines].count("rate") == 3
    assert texts[-1].startswith("1.00 ms")
    assert texts[-1].endswith("100 ms")


@pytest.mark.parametrize("columns", [1, 40, 80, 300])
def test_lines_fit_terminals(columns: int) -> None:
    """Plots take the width that there is, from 26 columns to 100."""
    widths = {len(text) for kind, text in some_figures().lines(columns) if kind == "rate"}

    assert widths == {min(max(columns, 26), 100) - 2}


def test_limits_are_admitted() -> None:
    """A client that was busy all the time says so, as does one that failed, or has no answers."""
    plan = Plan(rate=500)
    busy = some_figures(processor=1.9, plan=plan, unanswered=1, is_over=True, failure="it is over")
    remarks = [text for _, text in busy.lines(80)][-3:]

    assert remarks[0] == "At the end, 1 message had not come back."
    assert remarks[1].startswith("The client was busy all the time")
    assert remarks[2] == "Stopped: it is over."
    assert not [text for _, text in some_figures().lines(80) if "busy" in text]
    assert busy.lines(80)[1][1] == "10 of 10 connections, 500 messages/s, 64 bytes of text"


def test_figures_fit_in_a_line() -> None:
    """Where nothing can be drawn, a line has what matters."""
    assert some_figures(phase="measuring").line() == (
        "measuring: 10 connections, 500 messages/s, p50 1.01 ms, p99 1.01 ms"
    )


@pytest.mark.parametrize(
    "nanoseconds, text",
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (999.6, "1.00 µs"),
        (1234, "1.23 µs"),
        (12_340_000, "12.3 ms"),
        (5e9, "5.00 s"),
        (5e12, "5,000 s"),
    ],
)
def test_durations_have_three_digits(nanoseconds: float, text: str) -> None:
    """A duration is said with the unit that suits it."""
    assert duration_text(nanoseconds) == text


@pytest.mark.parametrize(
    "size, text", [(0, "0 B"), (999, "999 B"), (64_000, "64.0 kB"), (1.5e6, "1.50 MB"), (2e10, "20.0 GB")]
)
def test_sizes_have_three_digits(size: float, text: str) -> None:
    """So is a number of bytes."""
    assert size_text(size) == text
