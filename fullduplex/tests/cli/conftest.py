"""An environment in which commands keep what they keep in the test's folder, and find no proxies."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fullduplex.testing import VirtualTimeLoop

from ..aio.conftest import no_proxies  # noqa: F401 - a fixture


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on asyncio's loop, as the commands do, or on virtual time where a test says so."""
    marker = item.get_closest_marker("asyncio")
    is_virtual = marker is not None and marker.kwargs.get("loop_factories")
    return {"virtual": VirtualTimeLoop} if is_virtual else {"asyncio": asyncio.new_event_loop}


@pytest.fixture(autouse=True)
def own_environment(no_proxies: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Set what commands look at, and what Python looks at in them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PYTHONUTF8", "1")
    # Debugging would have its own complaints.
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "")
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def without_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the extra's packages away."""
    for name in ("prompt_toolkit", "rich"):
        (tmp_path / f"{name}.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
