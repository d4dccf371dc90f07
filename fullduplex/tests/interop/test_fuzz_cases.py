"""What fuzzing has found, and what it begins with, played again without the fuzzer."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ..native import native_module
from ..transport import twins

FUZZ = Path(__file__).parents[2] / "fuzz"
TARGETS = ("frames", "request", "response", "proxy", "values", "engine")
CASES = sorted(path for path in FUZZ.glob("cases/*/*") if path.is_file())


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """Import the targets and their seeds, which live in a folder of scripts."""
    sys.path.insert(0, str(FUZZ))
    # There may be one copy of the library in a process: what is native can't be imported for a third time.
    sys.modules["tests.transport.twins"] = twins
    try:
        yield {name: importlib.import_module(name) for name in ("targets", "seeds")}
    finally:
        sys.path.remove(str(FUZZ))
        for name in ("targets", "seeds", "checks", "side_by_side", "tests.transport.twins"):
            del sys.modules[name]


def see_native(target: str) -> None:
    """Skip a target that can't be played."""
    if target == "engine":
        native_module("fullduplex.transport.engine")


def test_every_target_is_played(scripts: dict[str, ModuleType]) -> None:
    """The targets are those that are replayed here."""
    assert tuple(scripts["targets"].TARGETS) == TARGETS
    assert {path.parent.name for path in CASES} <= set(TARGETS)


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}: {path.name}")
def test_kept_case_passes(case: Path, scripts: dict[str, ModuleType]) -> None:
    """What was found once isn't found again."""
    see_native(case.parent.name)
    scripts["targets"].TARGETS[case.parent.name](case.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_pass(target: str, scripts: dict[str, ModuleType]) -> None:
    """Each target takes the inputs that the fuzzer begins with."""
    see_native(target)
    for seed in scripts["seeds"].seeds(target):
        scripts["targets"].TARGETS[target](seed)
