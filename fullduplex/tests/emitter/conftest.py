"""Loops to run on, all of them, and TLS to serve with."""

from __future__ import annotations

from ..aio.conftest import tls  # noqa: F401 - a fixture
from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
