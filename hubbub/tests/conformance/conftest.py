"""What the tests of the conformance suite share: its scripts, and a chat to be examined."""

from __future__ import annotations

import asyncio
import importlib
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from faults.postgresql import PostgreSQL

from hubbub.app import run_chat
from hubbub.config import Settings

FOLDER = Path(__file__).parents[2] / "conformance"


@pytest.fixture(scope="session")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Return what imports the suite's scripts, by the names by which they know each other."""
    sys.path.insert(0, str(FOLDER))
    before = set(sys.modules)
    yield importlib.import_module
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == FOLDER:
            del sys.modules[name]


@pytest.fixture
def settings(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Settings:
    """Choose an empty database of the kind that is asked for, and let a thousand writes through."""
    database = None
    if backend == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        asyncio.run(server.make(name := f"examined_{secrets.token_hex(4)}"))
        database = server.url(name).set(drivername="postgresql").render_as_string(hide_password=False)
    many, fast = 5_000, 5_000.0
    return Settings(
        port=0,
        data=str(tmp_path / "data"),
        database=database,
        write_burst=many,
        writes_per_second=fast,
        user_write_burst=many,
        user_writes_per_second=fast,
        address_write_burst=many,
        address_writes_per_second=fast,
    )


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """Run a chat, and return where it is."""
    async with run_chat(Settings(port=0, data=str(tmp_path / "data"))) as address:
        yield address
