"""The scripts of the benchmarks, as modules."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def scripts() -> Iterator[None]:
    """Let the scripts be imported by the names by which they know each other."""
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))
    for path in FOLDER.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def script() -> Callable[[str], ModuleType]:
    """Return what imports a script."""
    return importlib.import_module


@pytest.fixture
def compiler(script: Callable[[str], ModuleType], request: pytest.FixtureRequest) -> None:
    """See that the load can be compiled, for TLS as well if the parameter says so."""
    tools = script("tools")
    try:
        tools.load(tls=getattr(request, "param", False))
    except tools.Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(f"The benchmark's programs in C aren't tested. {missing}")
