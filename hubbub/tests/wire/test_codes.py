"""What a client does after each code."""

from __future__ import annotations

import pytest

from hubbub import wire


def test_passing_troubles_are_retried() -> None:
    """Only what may pass by itself is worth sending again."""
    again = {code for code, retry in wire.ERRORS.items() if retry}

    assert again == {"slow_mode", "too_many_requests", "storage_full", "unavailable", "internal"}


@pytest.mark.parametrize(
    "code,retry",
    [
        (None, "resume"),
        (1000, "resume"),
        (1002, "never"),
        (1006, "resume"),
        (1009, "never"),
        (1012, "resume"),
        (4000, "resume"),
        (4099, "resume"),
        (4100, "reauth"),
        (4199, "reauth"),
        (4400, "never"),
        (4499, "never"),
        (4500, "resume"),
    ],
)
def test_close_code_is_enough(code: int | None, retry: str) -> None:
    """A client knows what to do without a goodbye, and after codes that it doesn't know."""
    assert wire.retry_after(code) == retry


def test_known_codes_are_as_their_hundred() -> None:
    """A client that doesn't know one of our codes does the same as one that does."""
    for code, closing in wire.CLOSINGS.items():
        if code >= 4000:
            assert closing.retry == wire.retry_after(code // 100 * 100 + 99)
