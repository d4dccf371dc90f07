"""Everything here runs in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from fullduplex.testing import VirtualTimeLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], VirtualTimeLoop]]:
    """Let no test wait."""
    return {"virtual": VirtualTimeLoop}
