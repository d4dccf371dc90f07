"""What is made of the engine's figures: medians, ratios, goals and tables; not how they were measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

#: The figures of one server, one of each round.
Samples = Sequence[float]


#: The servers that everyone is compared with, and what the names of ours begin with.
OURS = ("event", "aio", "client-aio")
LIBRARY = "fullduplex, "


class Goal(NamedTuple):
    """How a server is to do: at most so many times what others do in the same round, or so much at all."""

    subject: str
    factor: float
    #: The other, or each of several.
    against: str | tuple[str, ...] | None = None

    def reached(self, samples: Mapping[str, Samples]) -> tuple[float, str] | None:
        """Return what it came to, to be compared with the factor, and against whom; None if not measured."""
        mine = samples.get(self.subject, ())
        if not mine:
            return None
        if self.against is None:
            return statistics.median(mine), ""
        others = (self.against,) if isinstance(self.against, str) else self.against
        ratios = [(each, other) for other in others if (each := ratio(mine, samples.get(other, ())))]
        return max(ratios, default=None)


def ratio(ours: Samples, theirs: Samples) -> float | None:
    """Return the median of the ratios of rounds; None where there is nothing to compare."""
    ratios = [our / their for our, their in zip(ours, theirs, strict=False) if their > 0]
    return statistics.median(ratios) if ratios else None


def short(value: float | None) -> str:
    """Write a number with as many digits as mean something."""
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown, whose columns but the first have numbers."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, rule, *lines])


class Row(NamedTuple):
    """A table of a workload as it was measured."""

    title: str
    unit: str
    samples: Mapping[str, Samples]
    goals: Sequence[Goal]
    #: What else is to be said of a server: a column's name, and a value for each.
    extras: Mapping[str, Mapping[str, str]]
    #: What went wrong, by server.
    failures: Mapping[str, str]
    #: The workload, if this is its first table.
    key: str = ""


def row_table(row: Row, names: Mapping[str, str]) -> str:
    """Return what a row came to: the servers, the cheapest first, and how ours compare to each."""
    ours = [key for key in OURS if row.samples.get(key)]
    base = ["c"] if row.samples.get("c") else []
    heads = [
        "",
        row.unit,
        *["× C" for _ in base],
        *(f"{names[key].removeprefix(LIBRARY)} ÷ it" for key in ours),
        *row.extras,
    ]
    lines = []
    for key in sorted(
        filter(row.samples.get, row.samples), key=lambda key: statistics.median(row.samples[key])
    ):
        mine = row.samples[key]
        ratios = [ratio(mine, row.samples[each]) for each in base]
        ratios += [None if each == key else ratio(row.samples[each], mine) for each in ours]
        extras = [values.get(key, "–") for values in row.extras.values()]
        name = f"**{names[key]}**" if key in ours else names[key]
        lines.append([name, short(statistics.median(mine)), *map(short, ratios), *extras])
    return table(heads, lines)


def failures(row: Row, names: Mapping[str, str]) -> list[str]:
    """Return a sentence for each server that gave no figures, with the end of what it said."""
    return [f"No figures of {names[key]}: {why.splitlines()[-1]}" for key, why in row.failures.items()]


def goal_table(rows: Iterable[Row], names: Mapping[str, str]) -> str:
    """Return what was aimed at, what was reached, and whether that is enough."""
    lines = []
    for row in rows:
        for goal in row.goals:
            reached = goal.reached(row.samples)
            if reached is not None:
                value, other = reached
                met = "met" if value <= goal.factor else "**missed**"
                whom = f" ({names[other]})" if isinstance(goal.against, tuple) else ""
                lines.append([row.title, aim(goal, row, names), short(value) + whom, met])
    return table(["workload", "goal", "reached", ""], lines)


def aim(goal: Goal, row: Row, names: Mapping[str, str]) -> str:
    """Write a goal."""
    if goal.against is None:
        return f"{names[goal.subject]} ≤ {goal.factor:,g} {row.unit}"
    factor = "" if goal.factor == 1 else f"{goal.factor:g} × "
    whom = names[goal.against] if isinstance(goal.against, str) else "each of the others"
    return f"{names[goal.subject]} ≤ {factor}{whom}"
