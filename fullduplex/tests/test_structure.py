"""How the repository is built: both distributions' layout, and what holds for every file of ours.

What import contracts can say is said in the root's pyproject.toml; this is the rest.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import fullduplex

pytestmark = pytest.mark.structure

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = ("fullduplex", "hubbub")
MADE_BY_TOOLS = {
    ".git",
    ".hypothesis",
    ".venv",
    "__pycache__",
    "_build",
    "build",
    "dist",
    "node_modules",
    "web_dist",
}

# Packages' __init__ and __main__ have no test module of their own: the first of fullduplex has the public
# names, tested here; the others hold a docstring, or call the command line that tests of cli test.
UNTESTED: dict[str, set[str]] = {"fullduplex": {"version"}, "hubbub": set()}

# Folders of tests, and test modules, that are about no single module.
BEYOND_MODULES: dict[str, set[str]] = {
    "fullduplex": {
        "attacks",
        "bench",
        "builds",
        "docs",
        "engine",
        "interop",
        "test_examples",
        "test_structure",
    },
    "hubbub": {"bench", "conformance", "faults", "model", "system", "test_structure"},
}

PURE = ("protocol", "kernels", "exceptions", "close")
IMPURE = {"asyncio", "socket", "ssl", "threading", "time"}

# What packages and modules of the library import beyond the standard library; each is an extra.
EXTRAS = {
    "asgi": {"httptools", "uvicorn"},
    "cli": {"prompt_toolkit", "rich"},
    "observe/opentelemetry": {"opentelemetry"},
    "observe/prometheus": {"prometheus_client"},
}

PUBLIC_NAMES = {
    "ClientConnection",
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "Connection",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Headers",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidMessage",
    "InvalidOrigin",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "Limits",
    "LocalProtocolError",
    "NegotiationError",
    "PayloadTooBig",
    "PerMessageDeflateFactory",
    "ProtocolError",
    "RemoteProtocolError",
    "Request",
    "Response",
    "Server",
    "ServerConnection",
    "State",
    "WebSocket",
    "WebSocketException",
    "WebSocketServer",
    "__version__",
    "broadcast",
    "connect",
    "serve",
}

PIN = re.compile(r"([\w.-]+)==([\w.!+]+)(?: ; .+)?")

# Written in two parts, so that this file may be searched too.
REGISTRIES = [
    f"{name}.{end}"
    for name, end in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("npmmirror", "com"),
        ("yarnpkg", "com"),
        ("jsdelivr", "net"),
        ("unpkg", "com"),
    ]
]


def modules(distribution: str) -> list[Path]:
    """Return the modules of a distribution, relative to its package, without a suffix."""
    source = ROOT / distribution / "src" / distribution
    found = [path.relative_to(source).with_suffix("") for path in source.rglob("*.py")]
    return sorted(path for path in found if "web_dist" not in path.parts)


def native_modules(distribution: str) -> list[Path]:
    """Return the modules that are compiled, relative to the distribution's package, without a suffix."""
    source = ROOT / distribution / "src" / distribution
    return sorted(path.relative_to(source).with_suffix("") for path in source.rglob("*.pyx"))


def mirrors(distribution: str) -> list[Path]:
    """Return the test modules of a distribution, relative to its tests folder, without a suffix."""
    tests = ROOT / distribution / "tests"
    found = [path.relative_to(tests).with_suffix("") for path in tests.rglob("test_*.py")]
    return sorted(path for path in found if "node_modules" not in path.parts)


def our_files() -> Iterator[Path]:
    """Yield every file that isn't made by a tool."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in MADE_BY_TOOLS and not name.endswith(("cache", ".egg-info"))
        ]
        yield from (Path(folder, name) for name in files)


def parsed(module: Path) -> ast.Module:
    """Return the tree of a module, named without its suffix."""
    return ast.parse(module.with_suffix(".py").read_text("utf-8"))


def imported_names(module: Path) -> Iterator[str]:
    """Yield the first part of the name of each module that a module imports, wherever in it."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def extras_of(module: Path) -> set[str]:
    """Return what a module of the library may import beyond the standard library."""
    places = [module.as_posix(), *(parent.as_posix() for parent in module.parents)]
    return set().union(*(EXTRAS.get(place, set()) for place in places))


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def constraints(file: str) -> list[str]:
    """Return the lines of a constraints file, without its comments."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def pins(file: str) -> dict[str, str]:
    """Return the version of each distribution that a constraints file names; of several, the last."""
    pinned = map(PIN.fullmatch, constraints(file))
    return {normal(pin[1]): pin[2] for pin in pinned if pin}


def requirements(table: object) -> Iterator[str]:
    """Yield the names of the distributions that some part of a pyproject.toml requires."""
    if isinstance(table, str):
        yield normal(re.match(r"[\w.-]+", table)[0])  # type: ignore[index]
    elif isinstance(table, dict):
        for part in table.values():
            yield from requirements(part)
    elif isinstance(table, list):
        for part in table:
            yield from requirements(part)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_module_is_tested(distribution: str) -> None:
    """Each module has its test module, in the same place under tests."""
    tested = {path.with_name(path.name.removeprefix("test_")).as_posix() for path in mirrors(distribution)}
    named = {path.as_posix() for path in modules(distribution) if not path.name.startswith("__")}
    named |= {path.as_posix() for path in native_modules(distribution)}

    assert named - tested == UNTESTED[distribution]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_test_has_its_module(distribution: str) -> None:
    """Each test module tests a module of the same place, or is named as one that tests more."""
    named = {path.as_posix() for path in modules(distribution) + native_modules(distribution)}
    astray = {
        path.as_posix()
        for path in mirrors(distribution)
        if path.with_name(path.name.removeprefix("test_")).as_posix() not in named
        and path.parts[0] not in BEYOND_MODULES[distribution]
    }

    assert astray == set()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_module_has_docstring(distribution: str) -> None:
    """Each module says what it knows."""
    source = ROOT / distribution / "src" / distribution
    silent = [
        path.as_posix() for path in modules(distribution) if not ast.get_docstring(parsed(source / path))
    ]

    assert silent == []


def test_protocol_imports_no_io() -> None:
    """The protocol and all below it import nothing that does I/O, waits or reads a clock."""
    source = ROOT / "fullduplex" / "src" / "fullduplex"
    impure = {
        path.as_posix(): found
        for path in modules("fullduplex")
        if path.parts[0] in PURE and (found := IMPURE.intersection(imported_names(source / path)))
    }

    assert impure == {}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_test_has_docstring(distribution: str) -> None:
    """Each test says in a line what must be so."""
    silent = [
        f"{path}::{node.name}"
        for path in mirrors(distribution)
        for node in ast.walk(parsed(ROOT / distribution / "tests" / path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_library_stands_alone() -> None:
    """But for what extras are for, the library imports nothing but itself and the standard library."""
    source = ROOT / "fullduplex" / "src" / "fullduplex"
    known = sys.stdlib_module_names | {"fullduplex"}
    foreign = {
        path.as_posix(): found
        for path in modules("fullduplex")
        if (found := set(imported_names(source / path)) - known - extras_of(path))
    }

    assert foreign == {}


def test_import_is_lazy() -> None:
    """Importing the library, or even its protocol, loads neither asyncio nor ssl."""
    program = "import sys, fullduplex.protocol.connection; print(*{'asyncio', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_public_names_are_these() -> None:
    """The package offers at most 35 names, each of which can be had, and a new one is added here as well."""
    offered = set(fullduplex.__all__)

    assert offered == PUBLIC_NAMES
    assert len(offered) <= 35
    assert all(getattr(fullduplex, name) is not None for name in offered)


def test_no_registry_is_named() -> None:
    """No file names the host of a package registry: which one to use is the machine's business."""
    naming = [
        path.relative_to(ROOT).as_posix()
        for path in our_files()
        if any(host in path.read_text("utf-8", errors="ignore") for host in REGISTRIES)
    ]

    assert naming == []


def test_lock_files_name_no_address() -> None:
    """npm's lock files hold names, versions and hashes, and not where those came from."""
    resolved = [
        (path.relative_to(ROOT).as_posix(), name)
        for path in our_files()
        if path.name == "package-lock.json"
        for name, package in json.loads(path.read_text("utf-8"))["packages"].items()
        if "resolved" in package
    ]

    assert resolved == []


@pytest.mark.parametrize("file", ["constraints.txt", "constraints-dev.txt"])
def test_constraints_are_versions_only(file: str) -> None:
    """Each line of the constraints is a name, a version and perhaps a condition."""
    assert [line for line in constraints(file) if not PIN.fullmatch(line)] == []


def test_constraints_pin_all_required() -> None:
    """Whatever the two distributions, their builds and the tools require is pinned."""
    tools, *projects = [
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))
        for folder in (".", *DISTRIBUTIONS)
    ]
    run = {name for project in projects for name in requirements(project["project"]["dependencies"])}
    built = {name for project in projects for name in requirements(project["build-system"]["requires"])}
    extras = projects[0]["project"]["optional-dependencies"]
    installed = {name for extra in ("asgi", "cli") for name in requirements(extras[extra])}
    groups = tools["dependency-groups"]

    assert (run | built | installed | set(requirements(groups["build"]))) - {"fullduplex"} <= pins(
        "constraints.txt"
    ).keys()
    assert set(requirements(groups["dev"])) <= pins("constraints-dev.txt").keys()


def test_constraints_agree() -> None:
    """What both constraints files pin, they pin alike."""
    dev = pins("constraints-dev.txt")

    assert {name: dev.get(name, version) for name, version in pins("constraints.txt").items()} == pins(
        "constraints.txt"
    )


def test_run_parses_on_old_python() -> None:
    """An old Python gets as far as the sentence that turns it away."""
    ast.parse((ROOT / "run").read_text("utf-8"), feature_version=(3, 7))
