"""Measure the library beside others, or beside other ways to the same end.

    ./run bench                     the engine beside other servers
    ./run bench --write             and put the figures into docs/benchmarks.md, with its plots
    ./run bench polling             polling, server-sent events and WebSocket tell the same news
    ./run bench polling --write     and put the figures into docs/polling.md, with its plots

Without a name it is `engine`; `./run bench NAME --help` lists the choices of each.
"""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = ("engine", "polling")


def main() -> int:
    """Run the benchmark that is named, or the first."""
    name, *arguments = sys.argv[1:] or BENCHMARKS[:1]
    if name.startswith("-") and name not in ("--help", "-h"):
        name, arguments = BENCHMARKS[0], [name, *arguments]
    if name in BENCHMARKS:
        status: int = importlib.import_module(name).main(arguments)
        return status
    print(__doc__)
    if name in ("--help", "-h"):
        return 0
    print(f"There is no benchmark {name!r}; there is: {', '.join(BENCHMARKS)}.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
