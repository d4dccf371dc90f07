"""The CPythons of this machine, and an environment of our own for each.

Knows where they are, and how to install into an environment.  Doesn't know what for.

Invariants:

1. All that it makes is inside `.cache`, which git ignores.
2. The stamp is written last: half an environment is made anew, never used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = HERE / ".cache"
CONSTRAINTS = ROOT / "constraints.txt"

VERSIONS = ("3.11", "3.12", "3.13")
PYENV = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()

# A version manager's stand-in may be there for a Python that isn't.
ASK = "import ensurepip, platform; print(platform.python_implementation(), platform.python_version())"


class Failed(Exception):
    """A command failed; the message is what it said."""


class Python(NamedTuple):
    """One CPython: its version as in 3.12, the whole of it as in 3.12.1, and where it is."""

    version: str
    release: str
    path: str


def call(command: Sequence[str | Path], cwd: Path = ROOT, **variables: str) -> str:
    """Run a command, with more variables in its environment; return what it said.

    Raises:
        Failed: if it didn't exit with 0.
    """
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout.rstrip()}")
    return done.stdout


def find(versions: Sequence[str] = VERSIONS) -> list[Python]:
    """Return one CPython of each version that there is here, the one on PATH before a version manager's.

    Raises:
        Failed: if there is none.
    """
    found = {version: python for version in versions if (python := find_one(version))}
    if not found:
        raise Failed(f"There is no CPython {' or '.join(versions)} here: install one, then run this again.")
    for version in versions:
        if version not in found:
            print(f"NOT TESTED: CPython {version}, since there is none here.", file=sys.stderr, flush=True)
    return list(found.values())


def find_one(version: str) -> Python | None:
    """Return a CPython of one version that can make environments."""
    for path in candidates(version):
        try:
            implementation, release = call([path, "-c", ASK]).split()
        except (Failed, OSError, ValueError):
            continue
        if implementation == "CPython" and release.startswith(f"{version}."):
            return Python(version, release, path)
    return None


def candidates(version: str) -> Iterator[str]:
    """Yield the paths at which a Python of one version may be."""
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            # In an environment, the Python that it was made from.
            yield os.path.realpath(found)
    yield from map(str, sorted(PYENV.glob(f"versions/{version}.*/bin/python{version}")))


def empty(python: Python, folder: Path) -> Path:
    """Make an empty environment in a folder; return the path of its Python."""
    call([python.path, "-m", "venv", "--clear", folder])
    return folder / "bin" / "python"


def pip(python: Path, *arguments: str | Path, **variables: str) -> None:
    """Install into an environment, without a look at what depends on what: the constraints name it all."""
    quiet = ["--no-deps", "--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    call([python, "-m", "pip", "install", *quiet, *arguments], **variables)


def equipped(python: Python, purpose: str, *constraints: Path) -> Path:
    """Return the Python of the environment for a purpose, with all that constraints name installed."""
    folder = CACHE / f"{purpose}-{python.version}"
    stamp = folder / "equipped"
    pinned = b"".join(file.read_bytes() for file in constraints)
    wanted = hashlib.sha256(f"{python} {folder}".encode() + pinned).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        print(f"Making an environment with CPython {python.release}: {purpose}.", file=sys.stderr, flush=True)
        made = empty(python, folder)
        pip(made, *(part for file in constraints for part in ("--requirement", file)))
        stamp.write_text(wanted)
    return folder / "bin" / "python"
