"""The limits' defaults; that each holds is tested where the bytes are counted."""

from __future__ import annotations

import dataclasses

import pytest

from fullduplex.protocol.limits import Limits


def test_defaults_are_these() -> None:
    """Whoever changes a default changes it here as well."""
    assert dataclasses.asdict(Limits()) == {
        "message": 1_048_576,
        "frame": None,
        "fragments": 131_072,
        "request_line": 8192,
        "header_line": 8192,
        "headers": 128,
        "head": 32_768,
        "body": 65_536,
        "control_rate": 1000,
        "message_rate": None,
        "byte_rate": None,
    }


@pytest.mark.parametrize("name", ["control_rate", "message_rate", "byte_rate"])
def test_rates_let_something_through(name: str) -> None:
    """A rate that would let nothing through at once is a mistake."""
    assert getattr(Limits(**{name: 1}), name) == 1
    assert getattr(Limits(**{name: None}), name) is None
    for rate in (0.999, 0, -1):
        with pytest.raises(ValueError, match=name):
            Limits(**{name: rate})


def test_limits_do_not_change() -> None:
    """Limits may be shared by all connections of a server."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().message = 5  # type: ignore[misc]
