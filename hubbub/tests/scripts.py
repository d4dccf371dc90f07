"""How tests import scripts that lie beside the package, and know each other by their plain names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def borrowed(*folders: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Give what imports the scripts of these folders; afterwards nobody finds them, nor their names."""
    before, path = set(sys.modules), list(sys.path)
    sys.path[:0] = map(str, folders)
    yield importlib.import_module
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent in folders:
            del sys.modules[name]
