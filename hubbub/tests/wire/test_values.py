"""The types of fields, by what passes them."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import ValidationError

from hubbub.wire import values


@pytest.mark.parametrize(
    "kind,value",
    [
        (values.Number, 0),
        (values.Number, 2**53 - 1),
        (values.Amount, 1),
        (values.Name, "x" * 64),
        (values.At, (1, 0)),
        (values.SomeRole, "a role of tomorrow"),
    ],
    ids=range(6),
)
def test_value_passes(kind: object, value: object) -> None:
    """What is just within the bounds is taken; of what a server says any word."""
    assert msgspec.convert(value, kind) == value


@pytest.mark.parametrize(
    "kind,value",
    [
        (values.Number, -1),
        (values.Number, 2**53),
        (values.Number, 1.5),
        (values.Amount, 0),
        (values.Name, "x" * 65),
        (values.At, (1, 0, 0)),
        (values.Role, "a role of tomorrow"),
    ],
    ids=range(7),
)
def test_value_is_refused(kind: object, value: object) -> None:
    """What is just beyond the bounds is not; of what a client says only words that are known."""
    with pytest.raises(ValidationError):
        msgspec.convert(value, kind)
