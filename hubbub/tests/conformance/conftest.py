"""What the tests of the conformance suite share: its scripts, and a chat to be examined."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from faults.postgresql import PostgreSQL

from hubbub.config import Settings

from ..scripts import borrowed

FOLDER = Path(__file__).parents[2] / "conformance"


@pytest.fixture(scope="session")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Return what imports the suite's scripts, by the names by which they know each other."""
    with borrowed(FOLDER) as script:
        yield script


@pytest.fixture
def roomy(
    request: pytest.FixtureRequest, backend: str, settings: Settings, unhurried: dict[str, Any]
) -> Settings:
    """Choose an empty database of the kind that is asked for, and let a thousand writes through."""
    database = None
    if backend == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        asyncio.run(server.make(name := f"examined_{secrets.token_hex(4)}"))
        database = server.address(name)
    return msgspec.structs.replace(settings, database=database, **unhurried)
