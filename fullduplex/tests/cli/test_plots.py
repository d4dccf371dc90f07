"""Plots: what is larger looks larger, and what there is can be seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fullduplex.cli.plots import bar, chart, fit

numbers = st.lists(st.floats(0, 1e6, allow_subnormal=False), max_size=50)


def test_bars_have_lengths() -> None:
    """A bar takes its share, to an eighth of a column; something is never nothing."""
    assert bar(0.5, 4) == "██"
    assert bar(1, 3) == "███"
    assert bar(5 / 16, 2) == "▋"
    assert bar(1e-9, 4) == "▏"
    assert [bar(0, 4), bar(0.5, 0), bar(-1, 4)] == ["", "", ""]
    assert bar(7, 2) == "██"


def test_charts_have_columns() -> None:
    """The largest value fills the height; something is never nothing."""
    assert chart([0, 1, 8, 16], 2) == ["   █", " ▁██"]
    assert chart([1e-9, 1], 1) == ["▁█"]
    assert chart([0, 0], 1) == ["  "]
    assert chart([], 2) == ["", ""]


@given(numbers, st.integers(1, 10))
def test_charts_keep_order(values: list[float], height: int) -> None:
    """A larger value has no lower column, and every line is as wide as there are values."""
    lines = chart(values, height)
    heights = [sum(" ▁▂▃▄▅▆▇█".index(line[place]) for line in lines) for place in range(len(values))]

    assert {len(line) for line in lines} == {len(values)}
    assert [heights[place] for place in sorted(range(len(values)), key=values.__getitem__)] == sorted(heights)


@given(numbers, st.integers(1, 80))
def test_fitting_takes_the_width(values: list[float], width: int) -> None:
    """There is a value for each column, none of them beyond those there are."""
    fitted = fit(values, width)

    assert len(fitted) == (width if values else 0)
    assert all(min(values) * 0.999 <= value <= max(values) * 1.001 for value in fitted)


def test_fitting_means_neighbours() -> None:
    """Too many values become means; too few are repeated, in order."""
    assert fit([1, 3, 5, 7], 2) == [2, 6]
    assert fit([1, 2], 5) == [1, 1, 1, 2, 2]
