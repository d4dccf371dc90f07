"""Plots of block characters: a bar, and a chart of columns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

__all__ = ["bar", "chart", "fit"]

_BAR = " ▏▎▍▌▋▊▉█"
_COLUMN = " ▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """Return a bar that takes a share, 0 to 1, of a width; what is more than nothing can be seen."""
    eighths = round(min(max(share, 0), 1) * width * 8)
    if share > 0 and width > 0:
        eighths = max(eighths, 1)
    return "█" * (eighths // 8) + _BAR[eighths % 8].strip()


def fit(values: Sequence[float], width: int) -> list[float]:
    """Return one value a column: means of neighbours where there are too many, else some of them repeated."""
    count = len(values)
    if count < width:
        return [values[column * count // width] for column in range(width if values else 0)]
    edges = [count * column // width for column in range(width + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]


def chart(values: Sequence[float], height: int) -> list[str]:
    """Return lines, the highest first, in which each value is a column; the largest fills it."""
    largest = max(values, default=0)
    levels = [round(value / largest * height * 8) if largest > 0 else 0 for value in values]
    # What is more than nothing can be seen.
    levels = [max(level, 1) if value > 0 else level for level, value in zip(levels, values, strict=True)]
    return [
        "".join(_COLUMN[min(max(level - 8 * row, 0), 8)] for level in levels)
        for row in reversed(range(height))
    ]
