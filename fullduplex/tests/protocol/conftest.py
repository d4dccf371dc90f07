"""Both ends of a connection, open, for the tests that are true of either."""

from __future__ import annotations

import pytest

from fullduplex.protocol.states import Side

from .wire import End


@pytest.fixture(params=[Side.SERVER, Side.CLIENT], ids=["server", "client"])
def side(request: pytest.FixtureRequest) -> Side:
    """Give either side in turn."""
    side: Side = request.param
    return side


@pytest.fixture
def end(side: Side) -> End:
    """Give our end of an open connection, on either side in turn."""
    return End(side)
