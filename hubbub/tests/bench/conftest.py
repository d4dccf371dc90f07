"""The scripts of the chat's benchmark, as modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ..scripts import borrowed

ROOT = Path(__file__).parents[3]
# The chat's, the library's that they share, and what runs PostgreSQL.
FOLDERS = [ROOT / "hubbub" / "bench", ROOT / "fullduplex" / "bench", ROOT / "hubbub"]


@pytest.fixture(scope="package")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Return what imports a script, by the names by which they know each other."""
    with borrowed(*FOLDERS) as script:
        yield script
