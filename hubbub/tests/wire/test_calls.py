"""What can be called."""

from __future__ import annotations

from hubbub import wire
from hubbub.wire.calls import NAMES_OF_METHODS


def test_every_method_has_own_parameters() -> None:
    """A method is known by the structure of its parameters, so that no two share one."""
    assert {method.params: name for name, method in wire.METHODS.items()} == NAMES_OF_METHODS
    assert len(NAMES_OF_METHODS) == len(wire.METHODS)


def test_what_stores_an_event_writes() -> None:
    """Whatever is answered with the place of an event takes effect once, by a nonce."""
    stored = {name for name, method in wire.METHODS.items() if method.result is wire.WriteResult}
    made = {name for name, method in wire.METHODS.items() if method.result is wire.RoomResult}

    assert {name for name, method in wire.METHODS.items() if method.writes} == stored | made
    assert made == {"room.create", "room.join", "dm.open"}
