"""What is under test is what was asked for: the build, and the loops."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

import fullduplex
from fullduplex import kernels

from ..loops import LOOPS
from ..native import REQUIRED

SOURCES = Path(__file__).resolve().parents[2] / "src"


def test_library_is_this_checkouts() -> None:
    """The library under test is the one beside its tests."""
    assert Path(fullduplex.__file__).is_relative_to(SOURCES)


def test_build_is_the_one_asked_for() -> None:
    """The build is pure if FULLDUPLEX_NATIVE is 0, and native wherever it has to be."""
    if os.environ.get("FULLDUPLEX_NATIVE") == "0":
        assert not kernels.NATIVE
    else:
        assert kernels.NATIVE or not REQUIRED


def test_both_loops_are_there() -> None:
    """Tests with sockets have asyncio's own loop and uvloop."""
    assert set(LOOPS) == {"asyncio", "uvloop"}


async def test_loop_is_the_one_named(request: pytest.FixtureRequest) -> None:
    """A test that says that it runs on a loop does so."""
    name = "uvloop" if "uvloop" in request.node.name else "asyncio"

    assert name in request.node.name
    assert type(asyncio.get_running_loop()).__module__.startswith(name)
