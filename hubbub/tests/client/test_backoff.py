"""How long to wait before trying again."""

from __future__ import annotations

import pytest

from hubbub.client.backoff import backoff, wait_for


@pytest.mark.parametrize("attempt, most", [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (10_000, 30.0)])
def test_wait_is_any_up_to_a_bound(attempt: int, most: float) -> None:
    """The bound doubles with each attempt, up to half a minute; chance takes any part of it."""
    assert [backoff(attempt, lambda part=part: part) for part in (0.0, 0.5)] == [0.0, most / 2]  # type: ignore[misc]


def test_server_knows_better() -> None:
    """Where the server says how long to wait, it is that long."""
    assert wait_for(250, 9, lambda: 0.9) == 0.25
    assert wait_for(None, 1, lambda: 0.9) == 0.9
