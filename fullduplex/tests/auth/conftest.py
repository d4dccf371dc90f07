"""Loops to run on, all of them, an environment without proxies, and either face."""

from __future__ import annotations

import pytest

from ..aio.conftest import no_proxies  # noqa: F401 - a fixture
from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
from .ends import FACES


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """Give either face in turn."""
    face: str = request.param
    return face
