"""What is said by HTTP."""

from __future__ import annotations

import msgspec

from hubbub.wire import http


def test_none_is_left_out() -> None:
    """What there is not is not said."""
    error = http.ErrorResult(http.ErrorInfo("invalid", "No.", False))

    assert msgspec.json.encode(error) == b'{"error":{"code":"invalid","msg":"No.","retry":false}}'


def test_reset_tells_its_kind() -> None:
    """Among events a reset is told apart as frames are."""
    assert msgspec.json.encode(http.Reset("me", 7, 2)) == b'{"t":"reset","s":"me","epoch":7,"head":2}'
