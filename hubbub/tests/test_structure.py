"""How the chat is built, as far as import contracts can't say it.

What holds for both distributions is in the library's test_structure.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.structure

SOURCE = Path(__file__).resolve().parents[1] / "src" / "hubbub"
COMPOSITION_ROOT = "app"

# Programs that judge other people's servers and clients: scripts, which no import contract reaches.
CONFORMANCE = SOURCE.parents[1] / "conformance"
KNOWN_TO_JUDGES = {"fullduplex", "hubbub.wire", "msgspec"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Yield each module's path under the package, and its tree."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).with_suffix(""), ast.parse(path.read_text("utf-8"))


def services() -> dict[str, str]:
    """Return, for each class that something has to wire up, the package or module it belongs to.

    Those are the public classes that write their own __init__ and are no exceptions; all others are values.
    """
    return {
        node.name: path.parts[0]
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and not node.name.endswith("Error")
        and any(isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body)
    }


def called_names(tree: ast.Module) -> set[str]:
    """Return the last part of the name of everything that a module calls."""
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    plain = {function.id for function in functions if isinstance(function, ast.Name)}
    return plain | {function.attr for function in functions if isinstance(function, ast.Attribute)}


def test_only_app_constructs() -> None:
    """A class that needs wiring is constructed in app alone, or inside the package that it is part of."""
    homes = services()
    elsewhere = {
        (path.as_posix(), name)
        for path, tree in modules()
        if path.parts[0] != COMPOSITION_ROOT
        for name in called_names(tree) & homes.keys()
        if homes[name] != path.parts[0]
    }

    assert {"Database", "LocalBus"} <= homes.keys()
    assert elsewhere == set()


def imports_of(tree: ast.Module) -> set[str]:
    """Return what a module imports when it is run: modules, and of our own packages what is taken out."""
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in set(ast.walk(tree)) - typing_only:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "hubbub":
            found |= {f"hubbub.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_judges_know_only_the_wire() -> None:
    """What examines servers and clients knows the wire and the library, and goes in no ring."""
    imported = {
        path.stem: imports_of(ast.parse(path.read_text("utf-8"))) for path in CONFORMANCE.glob("*.py")
    }
    others = {
        (name, each)
        for name, found in imported.items()
        for each in found - imported.keys() - KNOWN_TO_JUDGES
        if each.partition(".")[0] not in sys.stdlib_module_names
    }

    assert {"run", "stage", "rules"} <= imported.keys()
    assert others == set()
    TopologicalSorter({name: found & imported.keys() for name, found in imported.items()}).prepare()
