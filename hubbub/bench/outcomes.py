"""What is made of the chat's figures: ratios to the raw limit, goals and tables; not how it is measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from figures import ratio, short, table

#: What a program has said of its work: among others `count` things in `seconds`, for so much `cpu`.
Figures = Mapping[str, Any]


class Goal(NamedTuple):
    """What is to be reached: `least` or at most so much, and so much of the raw limit."""

    value: float
    least: bool = False
    of_raw: float | None = None

    def is_met(self, reached: float, share: float | None) -> bool:
        """Say whether it is reached, with this share of the raw limit."""
        enough = reached >= self.value if self.least else reached <= self.value
        return enough and (self.of_raw is None or (share is not None and share >= self.of_raw))

    def __str__(self) -> str:
        said = f"{'≥' if self.least else '≤'} {self.value:,g}"
        return said if self.of_raw is None else f"{said} and {self.of_raw:g} × raw"


@dataclass
class Outcome:
    """One figure as it came out: one value of each round, and beside it the raw limit's of the same round.

    `cost` is the server's processor time for one `thing`, in seconds, and `raw_cost` the raw limit's.
    """

    title: str
    unit: str
    raw_name: str = ""
    goal: Goal | None = None
    thing: str = ""
    values: list[float] = field(default_factory=list)
    raws: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    raw_cost: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, value: float, figures: Figures | None = None) -> None:
        """Take a round's value, and what each thing cost that was done."""
        self._take(self.values, self.cost, value, figures)

    def take_raw(self, value: float, figures: Figures | None = None) -> None:
        """Take a round's value of the raw limit, and what each thing cost it."""
        self._take(self.raws, self.raw_cost, value, figures)

    def _take(self, values: list[float], cost: list[float], value: float, figures: Figures | None) -> None:
        values.append(value)
        if self.thing and figures is not None and figures["count"]:
            cost.append(figures["cpu"] / figures["count"])

    @property
    def reached(self) -> float:
        """The median of what was reached."""
        return statistics.median(self.values)

    @property
    def raw(self) -> float | None:
        """The median of the raw limit."""
        return statistics.median(self.raws) if self.raws else None

    @property
    def share(self) -> float | None:
        """The median of the rounds' ratios to the raw limit."""
        return ratio(self.values, self.raws)

    @property
    def verdict(self) -> str:
        """Whether the goal is met, if there is one."""
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met(self.reached, self.share) else "**missed**"


def outcome_table(outcomes: Iterable[Outcome]) -> str:
    """Return all figures as a table of Markdown: what came out, from when to when, and what it is beside."""
    heads = ["", "", "median", "of rounds", "goal", "", "raw limit", "× raw", "processor time", "raw"]
    return table(heads, map(_line, outcomes))


def _line(outcome: Outcome) -> list[str]:
    rounds = f"{short(min(outcome.values))} – {short(max(outcome.values))}"
    return [
        outcome.title,
        outcome.unit,
        short(outcome.reached),
        rounds,
        "" if outcome.goal is None else str(outcome.goal),
        outcome.verdict,
        "" if outcome.raw is None else short(outcome.raw),
        "" if outcome.share is None else short(outcome.share),
        _cost(outcome.cost, outcome.thing),
        _cost(outcome.raw_cost),
    ]


def _cost(seconds: Sequence[float], thing: str = "") -> str:
    return f"{duration(statistics.median(seconds))} {thing}".rstrip() if seconds else ""


def duration(seconds: float) -> str:
    """Write a short duration."""
    if seconds < 1e-3:
        return f"{short(seconds * 1e6)} µs"
    return f"{short(seconds * 1e3)} ms" if seconds < 1 else f"{short(seconds)} s"


def notes(outcomes: Iterable[Outcome]) -> list[str]:
    """Return what else is to be said, each with what it is about."""
    return [f"- {outcome.title}: {note}" for outcome in outcomes for note in outcome.notes]


def failures(failed: Sequence[tuple[str, str]]) -> list[str]:
    """Return a sentence for each row that gave no figures, with the end of what was said."""
    return [f"No figures of {row}: {why.splitlines()[-1]}" for row, why in failed]
