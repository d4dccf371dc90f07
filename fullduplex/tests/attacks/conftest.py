"""Every attack on either face, on every loop there is."""

from __future__ import annotations

import pytest

from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
from .targets import FACES


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """Give either face in turn."""
    face: str = request.param
    return face
