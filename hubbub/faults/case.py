"""What a case is: a module that breaks one thing, and what it may ask of the lab.

A case holds, or is late, or is broken.  It is late if all was well but took longer than it may: on a machine
that does much else that says little.  It is cut off if the time for all of them is over.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, TypeVar

from faults import cases

if TYPE_CHECKING:
    from faults.lab import Lab

T = TypeVar("T")


class Size(Enum):
    """How much is done: as much as there is time for at each change, or at night."""

    SHORT = "short"
    LONG = "long"

    def pick(self, short: T, long: T) -> T:
        """Return what belongs to this size."""
        return short if self is Size.SHORT else long


class Verdict(StrEnum):
    """How a case ended."""

    HELD = "held"
    LATE = "late"
    BROKEN = "BROKEN"
    UNSEEN = "not seen"
    CUT = "cut off"


class BrokenError(Exception):
    """The chat hasn't done what it must; the message says what."""


class UnseenError(Exception):
    """This machine lacks what the case needs; the message says what."""


def require(condition: object, what: str) -> None:
    """Let the case fail, unless something is so; `what` says how it is instead.

    Raises:
        BrokenError: if it isn't so.
    """
    if not condition:
        raise BrokenError(what)


@dataclass(frozen=True, slots=True)
class Case:
    """One way of breaking things, and what has to be so afterwards.

    A module `f01_something` is the case F-01; the first line of its docstring says what is done, its `run`
    does it.
    """

    name: str
    module: str
    what: str
    run: Callable[[Lab, Size], Awaitable[None]]


def find_cases() -> list[Case]:
    """Return every case, in the order of their numbers."""
    names = sorted(module.name for module in pkgutil.iter_modules(cases.__path__))
    return [_read(name) for name in names]


def _read(name: str) -> Case:
    module = importlib.import_module(f"{cases.__name__}.{name}")
    title = (inspect.getdoc(module) or "").partition("\n")[0]
    return Case(f"F-{name[1:].partition('_')[0]}", name, title, module.run)
