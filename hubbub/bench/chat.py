"""What the chat can do beside its raw limits: how much it stores and delivers, how soon, and what it takes.

The chat runs on one processor, as its command starts it, and the load on another.  Each figure is taken in
several rounds, and in each round the raw limit is taken as well: the bare writer of the same database or a
bare server of the same frames.

    ./run bench chat              every row, in about a quarter of an hour
    ./run bench chat --write      and put the figures into docs/chat-benchmarks.md, with their plots
    ./run bench chat --quick      smaller crowds and shorter times: for a look, not for a page
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "chat-benchmarks.md"
# What is measured with is the library's; PostgreSQL is run as the faults run it.
sys.path += [str(ROOT / "fullduplex" / "bench"), str(ROOT / "hubbub")]

import hosts  # noqa: E402
import outcomes  # noqa: E402
from outcomes import Outcome  # noqa: E402
from pages import put_figures  # noqa: E402
from processes import Failed  # noqa: E402
from rows import ROWS, Effort, Stores, say  # noqa: E402

import fullduplex.kernels  # noqa: E402
import hubbub  # noqa: E402

#: How the page shows its plots.
SHOWN = """\
```{{image}} pictures/chat-{theme}.svg
:class: only-{theme}
:alt: Bars of each figure, and of its raw limit
```"""
QUICK = {"seconds": 1.5, "warm": 0.5, "less": 10, "hold": 0.0}


def main(arguments: list[str]) -> int:
    """Measure; print a table, and write what was asked for."""
    options = parsed(arguments)
    if not sys.platform.startswith("linux"):
        print("This counts processor time as Linux does: run it there.", file=sys.stderr)
        return 1
    where = circumstances()
    measured, failed = measure(options.only, effort(options))
    said = report(where, measured, failed)
    print(said)
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in measured], indent=1), "utf-8")
    if options.write and not failed:
        write(said, measured)
    return 1 if failed else 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="./run bench chat", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only", type=listed, default=[*ROWS], metavar="ROW,…", help=f"of: {', '.join(ROWS)}"
    )
    parser.add_argument("--quick", action="store_true", help="less of everything: for a look, not for a page")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument(
        "--less", type=int, metavar="TIMES", help="divide the numbers of people by so much (default: 1)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures there")
    parser.add_argument("--write", action="store_true", help="put table and plots into the documentation")
    options = parser.parse_args(arguments)
    if options.write and (options.quick or options.less or options.only != [*ROWS]):
        parser.error("--write is for all of it: leave --quick, --less and --only out")
    return options


def listed(text: str) -> list[str]:
    """Read names of rows with commas between them, each of which must be known."""
    names = text.split(",")
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}; there are: {', '.join(ROWS)}")
    return names


def effort(options: argparse.Namespace) -> Effort:
    """Return how much is to be measured."""
    chosen: dict[str, Any] = dict(QUICK) if options.quick else {}
    if options.less:
        chosen["less"] = options.less
    return Effort(rounds=options.rounds, **chosen)


def measure(names: Sequence[str], effort: Effort) -> tuple[list[Outcome], list[tuple[str, str]]]:
    """Go through rows; return what they came to, and which gave no figures and why."""
    measured, failed = [], []
    stores = Stores()
    try:
        for name in names:
            say(name)
            try:
                measured += ROWS[name](effort, stores)
            except Failed as failure:
                say(f"    {failure}")
                failed.append((name, str(failure)))
    finally:
        stores.close()
    return measured, failed


def report(where: str, measured: Sequence[Outcome], failed: Sequence[tuple[str, str]]) -> str:
    """Return the table, and in what circumstances it came about."""
    limits = ", ".join(f"`{name}` {value:,}" for name, value in hosts.LIMITS.items())
    parts = [where, outcomes.outcome_table(measured), *outcomes.failures(failed)]
    if said := outcomes.notes(measured):
        parts.append("\n".join(said))
    return "\n\n".join([*parts, f"Limits raised for it: {limits}."])


def write(said: str, measured: Sequence[Outcome]) -> None:
    """Put what is said into its place in the page, and draw the plots that the page shows."""
    from drawing import draw_chat

    plots = [SHOWN.format(theme=theme) for theme in ("light", "dark")]
    put_figures(PAGE, "\n\n".join([*plots, said]))
    draw_chat(measured, PAGE.with_name("pictures"))


def circumstances() -> str:
    """Say on what, with which versions, and how much else the machine has to do."""
    build = "native build" if fullduplex.kernels.NATIVE else "pure build"
    mine = f"hubbub {hubbub.__version__}, fullduplex {fullduplex.__version__} ({build})"
    python = f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    machine = f"Linux {platform.release()}, {os.cpu_count()} processors"
    return f"{mine}; {python}; {machine}, on which {os.getloadavg()[0]:.1f} programs ran before."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
