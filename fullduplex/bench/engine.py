"""The engine beside others: the server's processor time and memory, for the same work.

Each server runs in a process of its own on one processor, and a load generator in C on another.  What is
counted is the processor time of the server's processes, user's and system's, as Linux tells it of them.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import figures
import tools
import workloads
from pages import put_figures
from servers import SERVERS
from turns import Effort
from workloads import OTHER_BUILDS, WORKLOADS

import fullduplex.kernels

PAGE = tools.ROOT / "docs" / "benchmarks.md"
PICTURES = PAGE.with_name("pictures")
#: The workloads whose figures are drawn.
DRAWN = ("echo-1", "echo-16", "echo-64k", "broadcast", "handshake", "idle-peers")
NAMES = {key: server.name for key, server in SERVERS.items()}


def listed(known: Sequence[str]) -> Any:
    """Return what reads names with commas between them, each of which must be known."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}; there are: {', '.join(known)}")
        return names

    return read


def main(arguments: list[str]) -> int:
    """Measure; print tables, and write what was asked for."""
    options = parsed(arguments)
    if not sys.platform.startswith("linux"):
        print("This counts processor time as Linux does: run it there.", file=sys.stderr)
        return 1
    try:
        tools.install_python_peers()
        rows = [row for key in options.only for row in workloads.run(key, effort(options))]
    except tools.Missing as error:
        print(error, file=sys.stderr)
        return 1
    print(report(rows))
    if options.json:
        options.json.write_text(json.dumps([row._asdict() for row in rows], indent=1), "utf-8")
    if options.write:
        write(rows)
    return 1 if any(SERVERS[name].is_ours for row in rows for name in row.failures) else 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        prog="./run bench engine", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--only",
        type=listed([*WORKLOADS]),
        default=[*WORKLOADS],
        metavar="ROW,…",
        help=f"of: {', '.join(WORKLOADS)}",
    )
    parser.add_argument(
        "--peers", type=listed([*SERVERS]), metavar="SERVER,…", help=f"of: {', '.join(SERVERS)}"
    )
    parser.add_argument("--quick", action="store_true", help="less of everything: for a look, not for a page")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures there")
    parser.add_argument("--write", action="store_true", help="put tables and plots into the documentation")
    options = parser.parse_args(arguments)
    if options.write and (options.quick or options.peers or options.only != [*WORKLOADS]):
        parser.error("--write is for all of it: leave --quick, --only and --peers out")
    return options


def effort(options: argparse.Namespace) -> Effort:
    """Return how much is to be measured."""
    chosen = Effort(rounds=options.rounds, peers=options.peers)
    if options.quick:
        chosen = chosen._replace(rounds=min(3, chosen.rounds), seconds=0.4, hot=0.3, less=10)
    return chosen


def report(rows: Sequence[figures.Row]) -> str:
    """Return the tables, and in what circumstances they came about."""
    parts = [circumstances(), figures.goal_table(rows, NAMES)]
    for row in rows:
        parts += [f"### {row.title}", figures.row_table(row, NAMES), *figures.failures(row, NAMES)]
    return "\n\n".join(parts)


def write(rows: Sequence[figures.Row]) -> None:
    """Put the tables into their place in the page, and draw the plots that the page shows."""
    from plots import draw_engine

    put_figures(PAGE, report(rows))
    names = {key: name for key, name in NAMES.items() if key not in OTHER_BUILDS}
    draw_engine([row for row in rows if row.key in DRAWN], names, PICTURES)


def circumstances() -> str:
    """Say on what, and with which versions."""
    build = "native build" if fullduplex.kernels.NATIVE else "pure build"
    mine = f"fullduplex {fullduplex.__version__} ({build}), CPython {platform.python_version()}"
    machine = f"Linux {platform.release()}, {os.cpu_count()} processors"
    return f"{'; '.join([mine, *versions(), machine])}."


def versions() -> list[str]:
    """Return the names and versions of those that it is measured against."""
    wanted = ("uvloop", "zlib-ng", "websockets", "picows", "aiofastnet")
    wanted += ("aiohttp", "uvicorn", "granian", "tornado")
    installed = {
        found.metadata["Name"]: found.version
        for found in importlib.metadata.distributions(path=[str(tools.PACKAGES)])
    }
    said = [f"{name} {installed[name]}" for name in wanted]
    manifest = json.loads((tools.PEERS / "package.json").read_text("utf-8"))
    ws, bufferutil = (manifest["dependencies"][name] for name in ("ws", "bufferutil"))
    node = f"ws {ws} with bufferutil {bufferutil} on Node {version(tools.node())}"
    return [*said, node, f"Bun {version(tools.bun())}"]


def version(program: str) -> str:
    """Return what a program says of its version."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().removeprefix("v")
