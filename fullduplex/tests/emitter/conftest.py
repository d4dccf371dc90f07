"""Loops to run on, all of them, TLS to serve with, and an environment without proxies."""

from __future__ import annotations

from ..aio.conftest import no_proxies, tls  # noqa: F401 - fixtures
from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
