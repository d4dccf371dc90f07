"""Which build is under test: the native one, wherever it could be built."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest

from fullduplex.transport import native

#: What moves the bytes of connections where the build under test can choose.
TRANSPORT = "asyncio" if native.engine is None else "engine"
#: Where the native build has to be tested: its lack is a failure.
REQUIRED = bool(os.environ.get("CI")) or os.environ.get("FULLDUPLEX_NATIVE") == "1"


def native_module(name: str) -> ModuleType:
    """Import a native module, whichever build is in use; without it, its tests are skipped or fail."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if REQUIRED:
            raise
        pytest.skip(f"{error}: nothing native was tested", allow_module_level=True)
