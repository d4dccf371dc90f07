"""The scripts of the chat's benchmark, as modules."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
# The chat's, the library's that they share, and what runs PostgreSQL.
FOLDERS = [ROOT / "hubbub" / "bench", ROOT / "fullduplex" / "bench", ROOT / "hubbub"]


@pytest.fixture(scope="package")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Return what imports a script, by the names by which they know each other."""
    before, path = set(sys.modules), list(sys.path)
    sys.path[:0] = map(str, FOLDERS)
    yield importlib.import_module
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent in FOLDERS:
            del sys.modules[name]
