"""What the tests of the WebSocket door share: a way out to a connection, and frames to send there."""

from __future__ import annotations

import pytest

from hubbub.realtime.outbound import Outbound
from hubbub.wire import Frame


@pytest.fixture
def connection(connect):
    """Make a connection."""
    return connect()


@pytest.fixture
def stalls() -> list[bool]:
    """Return what grows whenever the way out has found its peer to take nothing."""
    return []


@pytest.fixture
async def outbound(connection, stalls) -> Outbound:
    """Make the way out to the connection."""
    return Outbound(connection, lambda: stalls.append(True))


@pytest.fixture
def frame():
    """Return what makes a frame of about so many bytes."""

    def make(name: str, size: int = 10) -> Frame:
        text = f'{{"t":"{name}","pad":"{"x" * size}"}}'
        return Frame(text, len(text))

    return make
