"""docs/interop.md says what the tests do."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import websockets

from . import ours, test_their_clients, test_their_servers
from .theirs import CLIENTS, FOLDER, SERVERS

DOCS = Path(__file__).parents[3] / "docs" / "interop.md"
FACES = {
    "serving": list(ours.SERVERS),
    "connecting": list(ours.CLIENTS),
    "pinging": [name for name in ours.CLIENTS if name != "browser"],
}


def rows_of(module: ModuleType, parameter: str, peers: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the row that each test of a module stands for: its name, our faces, and against whom."""
    for name, function in vars(module).items():
        if name.startswith("test_"):
            (against,) = (mark.args[1] for mark in function.pytestmark if mark.args[0] == parameter)
            faces = next(FACES[name] for name in inspect.signature(function).parameters if name in FACES)
            yield [f"`{name}`", ", ".join(faces), *("yes" if peer in against else "–" for peer in peers)]


def told(heading: str) -> list[list[str]]:
    """Return the table under a heading of the documentation, without its first column."""
    text = DOCS.read_text("utf-8")
    table = text[text.index("\n|", text.index(f"## {heading}\n")) + 1 :].split("\n\n")[0]
    return [line.strip("| ").split(" | ")[1:] for line in table.splitlines() if "---" not in line]


def test_matrix_has_clients() -> None:
    """Each test of others' clients is in its table, with whom it is run against."""
    rows = [["test", "our faces", *CLIENTS], *rows_of(test_their_clients, "client", CLIENTS)]

    assert told("Their clients, our servers") == rows


def test_matrix_has_servers() -> None:
    """Each test of others' servers is in its table, with whom it is run against."""
    rows = [["test", "our faces", *SERVERS], *rows_of(test_their_servers, "their_server", SERVERS)]

    assert told("Our clients, their servers") == rows


def test_matrix_names_versions() -> None:
    """The versions named are those that are installed."""
    packages = json.loads((FOLDER / "package.json").read_text("utf-8"))
    pinned = {"ws": packages["dependencies"]["ws"], "websockets": websockets.__version__}
    bun = {("Bun", version) for version in packages["optionalDependencies"].values()}
    named = re.findall(r"\b(ws|Bun|websockets) (\d+(?:\.\d+)+)", DOCS.read_text("utf-8"))

    assert set(named) == bun | pinned.items()
