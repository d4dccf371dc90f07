"""The tests of what is under test run on both real loops, as those with sockets do."""

from __future__ import annotations

from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
