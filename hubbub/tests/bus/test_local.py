"""The bus within one process."""

from __future__ import annotations

import pytest

from hubbub.bus.local import LocalBus
from hubbub.domain.events import Notice, SessionRevoked


def test_failing_listener_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A listener that fails is logged; neither the others nor the publisher notice."""

    def fail(notice: Notice) -> None:
        raise RuntimeError("broken listener")

    bus = LocalBus()
    heard: list[Notice] = []
    bus.subscribe(fail)
    bus.subscribe(heard.append)
    bus.publish(SessionRevoked("x"))

    assert heard == [SessionRevoked("x")]
    assert "broken listener" in caplog.text
