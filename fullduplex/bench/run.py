"""Measure the library beside others, or beside other ways to the same end.

    ./run bench polling             polling, server-sent events and WebSocket tell the same news
    ./run bench polling --write     and put the figures into docs/polling.md, with its plots

`./run bench NAME --help` lists the choices of each.
"""

from __future__ import annotations

import sys

import polling

BENCHMARKS = {"polling": polling.main}


def main() -> int:
    """Run the benchmark that is named."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in BENCHMARKS:
        return BENCHMARKS[name](arguments)
    print(__doc__)
    if name in ("--help", "-h"):
        return 0
    print(f"There is no benchmark {name!r}; there is: {', '.join(BENCHMARKS)}.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
