"""Run the server in this process, changed where it has no setting: with other times, or as one that counts.

    hasty.py hubbub.realtime.session:HEARTBEAT=2 -- python -m hubbub serve --port 0

The times are the protocol's, and a server that is run has them as they are; a test would wait for minutes.
With `statements=FILE` the number of statements that it gave its database is in that file at any time.
"""

from __future__ import annotations

import importlib
import mmap
import runpy
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

STATEMENTS: Final = "statements"
_COUNT: Final = struct.Struct("Q")


def hasty(
    times: Mapping[str, float] = MappingProxyType({}), statements: Path | None = None
) -> tuple[str, ...]:
    """Return what a server is run inside, with times such as `{"realtime.session:HEARTBEAT": 2}`."""
    changes = [f"hubbub.{name}={value}" for name, value in times.items()]
    counting = [] if statements is None else [f"{STATEMENTS}={statements}"]
    return sys.executable, __file__, *changes, *counting, "--"


def read_statements(file: Path) -> int:
    """Return how many statements there have been."""
    [count] = _COUNT.unpack(file.read_bytes())
    return int(count)


def _count_statements(file: Path) -> None:
    from sqlalchemy import Engine, event

    file.write_bytes(_COUNT.pack(0))
    with file.open("r+b") as opened:
        shown = mmap.mmap(opened.fileno(), _COUNT.size)
    count = 0

    def add(*_: Any) -> None:
        nonlocal count
        count += 1
        _COUNT.pack_into(shown, 0, count)

    event.listen(Engine, "before_cursor_execute", add)


def _main() -> None:
    end = sys.argv.index("--")
    for change in sys.argv[1:end]:
        what, _, value = change.partition("=")
        if what == STATEMENTS:
            _count_statements(Path(value))
        else:
            module, _, name = what.partition(":")
            setattr(importlib.import_module(module), name, float(value))
    _python, _m, program, *arguments = sys.argv[end + 1 :]
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    # The scripts beside this one are nothing to the server.
    del sys.path[0]
    _main()
