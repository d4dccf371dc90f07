"""The histogram of durations against the durations themselves."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.cli.histogram import LONGEST, Histogram

durations = st.lists(st.integers(0, LONGEST), min_size=1, max_size=200)


def histogram_of(values: list[int]) -> Histogram:
    """Return a histogram of values."""
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(durations, st.floats(0.1, 100))
def test_percentiles_are_close(values: list[int], percent: float) -> None:
    """A percentile is the exact one, or up to 1/64 more, and never more than the longest."""
    exact = sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]
    found = histogram_of(values).percentile(percent)

    assert exact <= found <= min(exact * 65 / 64, max(values))


@given(durations)
def test_totals_are_exact(values: list[int]) -> None:
    """Count, mean, least and most are those of the durations."""
    histogram = histogram_of(values)

    assert (histogram.count, histogram.least, histogram.most) == (len(values), min(values), max(values))
    assert histogram.mean == sum(values) / len(values)
    assert histogram.percentile(100) == max(values)


def test_none_has_figures() -> None:
    """Of no durations, everything is 0."""
    histogram = Histogram()

    assert (histogram.mean, histogram.percentile(50), histogram.columns(10)) == (0, 0, [0])


def test_outliers_are_bounded() -> None:
    """Clocks that go back, and ages, count as the least and the longest."""
    histogram = histogram_of([-5, 2**60])

    assert (histogram.least, histogram.most) == (0, LONGEST)


@given(durations, st.integers(1, 100))
def test_columns_cover_everything(values: list[int], most: int) -> None:
    """There are as many columns as asked for at most, and the outer ones have something."""
    columns = histogram_of(values).columns(most)

    assert 1 <= len(columns) <= most
    assert columns[0] > 0
    assert columns[-1] > 0


def test_columns_grow_evenly() -> None:
    """Doubling durations are at even distances."""
    columns = histogram_of([2**exponent for exponent in range(10, 20)]).columns(91)
    places = [place for place, density in enumerate(columns) if density]

    assert len(places) == 10
    assert [later - earlier for earlier, later in itertools.pairwise(places)] == pytest.approx(
        [10] * 9, abs=1
    )
