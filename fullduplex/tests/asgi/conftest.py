"""Loops to run on: all of them."""

from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
