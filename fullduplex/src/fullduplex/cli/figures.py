"""The figures of a benchmark: as JSON for scripts, as lines and plots for people.

It knows neither the connections nor the terminal, only how wide and high that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .histogram import Histogram
from .load import Plan
from .plots import bar, chart, fit

__all__ = ["Figures", "duration_text", "size_text"]

PERCENTILES = (50, 90, 99, 99.9)
#: From this share of a processor on, what was measured is the client as well.
BUSY = 0.9
WIDEST = 100


def duration_text(nanoseconds: float) -> str:
    """Say a duration with three digits."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        # What would be rounded up to the next unit belongs to it.
        if nanoseconds >= size * 0.9995:
            return f"{_three_digits(nanoseconds / size)} {unit}"
    return f"{nanoseconds:.0f} ns"


def size_text(size: float) -> str:
    """Say a number of bytes with three digits, in powers of 1000."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor * 0.9995:
            return f"{_three_digits(size / factor)} {unit}"
    return f"{size:.0f} B"


def _three_digits(number: float) -> str:
    decimals = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:,.{decimals}f}"


def _several(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


@dataclass
class Figures:
    """What is known at some time of a benchmark.

    Attributes:
        seconds: since the measuring began.
        processor: seconds of a processor that this program has used in them.
        unanswered: messages on their way.
        rates: messages a second, in equal times, oldest first.
        phase: what is being done.
        failure: why it ended early.
        is_interrupted: whether the user ended it.
        is_over: whether these are the last figures.
    """

    url: str
    plan: Plan
    connections: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    unanswered: int = 0
    rates: Sequence[float] = ()
    phase: str = ""
    failure: str | None = None
    is_interrupted: bool = False
    is_over: bool = False
    histogram: Histogram = field(default_factory=Histogram)

    @property
    def rate(self) -> float:
        """Messages a second that came back."""
        return self.histogram.count / self.seconds if self.seconds else 0.0

    @property
    def processor_share(self) -> float:
        """The share of one processor that this program has used."""
        return self.processor / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the figures for a script; durations are milliseconds."""
        histogram, plan = self.histogram, self.plan
        latency = {f"p{percent:g}": histogram.percentile(percent) / 1e6 for percent in PERCENTILES}
        latency |= {"mean": histogram.mean / 1e6, "max": histogram.most / 1e6}
        return {
            "url": self.url,
            "connections": self.connections,
            "in_flight": plan.in_flight,
            "size": plan.size,
            "type": "binary" if plan.is_binary else "text",
            "rate": plan.rate,
            "seconds": round(self.seconds, 3),
            "messages": histogram.count,
            "messages_per_second": round(self.rate, 1),
            "bytes_per_second": round(self.rate * plan.size, 1),
            "unanswered": self.unanswered,
            "latency_ms": {name: round(value, 4) for name, value in latency.items()},
            "client_processor": round(self.processor_share, 3),
            "interrupted": self.is_interrupted,
            "failure": self.failure,
        }

    def line(self) -> str:
        """Return the figures in one line."""
        middle, high = (duration_text(self.histogram.percentile(percent)) for percent in (50, 99))
        return (
            f"{self.phase}: {_several(self.connections, 'connection')}, {self.rate:,.0f} messages/s,"
            f" p50 {middle}, p99 {high}"
        )

    def lines(self, columns: int, height: int = 6) -> list[tuple[str, str]]:
        """Return lines to look at, each with what it is: title, text, note, rate or latency."""
        width = max(min(columns, WIDEST) - 2, 24)
        lines = [("title", self._title()), ("note", self._load()), ("", "")]
        lines += [("text", line) for line in self._totals()]
        if self.rates and self.rate:
            largest = f"{max(self.rates):,.0f} messages/s"
            lines += [("", ""), ("note", f"messages/s over time, up to {largest}")]
            lines += [("rate", line) for line in chart(fit(self.rates, width), height)]
        if self.histogram.count:
            lines += [("", ""), *self._latencies(width, height)]
        lines += [("note", line) for line in self._remarks()]
        return lines

    def _title(self) -> str:
        return f"{self.url}  {self.phase}"

    def _load(self) -> str:
        plan = self.plan
        kind = "binary" if plan.is_binary else "text"
        pace = f"{plan.rate:,.10g} messages/s" if plan.rate else f"{plan.in_flight} in flight each"
        size = _several(plan.size, "byte")
        return f"{self.connections} of {_several(plan.connections, 'connection')}, {pace}, {size} of {kind}"

    def _totals(self) -> list[str]:
        count = self.histogram.count
        return [
            f"messages  {self.rate:>9,.0f}/s   {count:,} in {self.seconds:.1f} s",
            f"bytes     {size_text(self.rate * self.plan.size):>9}/s   each way, without framing",
            f"client    {self.processor_share:>9.0%}     of a processor",
        ]

    def _latencies(self, width: int, height: int) -> list[tuple[str, str]]:
        histogram = self.histogram
        values = [(f"p{percent:g}", histogram.percentile(percent)) for percent in PERCENTILES]
        values.append(("max", histogram.most))
        lines = [("note", "latency")]
        for name, value in values:
            head = f"{name:6}{duration_text(value):>8}  "
            lines.append(("latency", head + bar(value / max(histogram.most, 1), width - len(head))))
        least, most = duration_text(histogram.least), duration_text(histogram.most)
        lines += [("", ""), ("note", "how many took how long")]
        lines += [("latency", line) for line in chart(fit(histogram.columns(width), width), height)]
        lines.append(("note", f"{least}{most:>{width - len(least)}}"))
        return lines

    def _remarks(self) -> list[str]:
        remarks = []
        if self.is_over and self.plan.rate and self.unanswered:
            remarks.append(f"At the end, {_several(self.unanswered, 'message')} had not come back.")
        if self.processor_share >= BUSY:
            remarks.append(
                "The client was busy all the time: the figures are its limit as much as the server's."
            )
        if self.failure:
            remarks.append(f"Stopped: {self.failure}.")
        return ["", *remarks] if remarks else []
