"""What every bus does, once for every bus there is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hubbub.bus.base import Bus
from hubbub.bus.local import LocalBus
from hubbub.domain.events import Notice, SessionRevoked

MakeBus = Callable[[], Bus]


@pytest.fixture(params=[LocalBus])
def make_bus(request: pytest.FixtureRequest) -> MakeBus:
    """Return what makes a bus of each kind."""
    make: MakeBus = request.param
    return make


def test_everyone_hears_everything_in_order(make_bus: MakeBus) -> None:
    """Each listener gets every notice, in the order of publishing."""
    bus = make_bus()
    first: list[Notice] = []
    second: list[Notice] = []
    bus.subscribe(first.append)
    bus.subscribe(second.append)
    notices = [SessionRevoked(str(n)) for n in range(10)]

    for notice in notices:
        bus.publish(notice)

    assert first == second == notices


def test_late_listener_hears_what_comes(make_bus: MakeBus) -> None:
    """Who listens later hears nothing of before."""
    bus = make_bus()
    heard: list[Notice] = []
    bus.publish(SessionRevoked("before"))
    bus.subscribe(heard.append)
    bus.publish(SessionRevoked("after"))

    assert heard == [SessionRevoked("after")]
