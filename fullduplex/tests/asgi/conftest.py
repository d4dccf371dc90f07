"""Loops to run on, all of them, TLS to serve with, and both of uvicorn's HTTP implementations."""

from __future__ import annotations

import pytest

from ..aio.conftest import tls  # noqa: F401 - a fixture
from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
from .programs import IMPLEMENTATIONS


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> str:
    """Which of uvicorn's HTTP implementations answers, or hands over."""
    name: str = request.param
    return name


@pytest.fixture
def http(implementation: str) -> str:
    """The same, as uvicorn's option is called."""
    return implementation
