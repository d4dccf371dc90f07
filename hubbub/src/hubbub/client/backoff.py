"""How long to wait before trying again, so that those who lost one server don't return in one instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

BASE: Final = 0.5
CEILING: Final = 30.0

Random: TypeAlias = Callable[[], float]
"""Gives a number from 0 up to 1."""


def backoff(attempt: int, random: Random) -> float:
    """Return the seconds to wait before an attempt, counted from 1: any up to min(30, 0.5 * 2^attempt)."""
    # Beyond that the ceiling is reached, and the power would only grow.
    return random() * min(CEILING, BASE * 2.0 ** min(attempt, 10))


def wait_for(after: int | None, attempt: int, random: Random) -> float:
    """Return the seconds to wait: what the server asked for, in milliseconds, or else any."""
    return backoff(attempt, random) if after is None else after / 1000
