"""What a server of `hubbub.v1` has to keep: the rules, and the cases that look at each.

Knows how a case ends; doesn't know how anybody talks with a server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stage import Stage

RULES: Final = {
    "R1": "Order: the numbers of a stream have no holes, and are the same for everyone",
    "R2": "Once: a nonce takes effect once, and writes are done in their order",
    "R3": "Done is done: what was answered by ok is there",
    "R4": "No silent gap: every event comes, and the heads in ping prove the last",
    "R5": "All or anew: a delta is complete, or there is a reset",
    "R6": "No gap between: after the answer to sub comes the event head + 1",
    "R7": "Changes once: messages are what their events made of them",
    "R8": "Out is out: who was removed hears nothing more",
    "R9": "Epochs: under another epoch there is a reset",
    "R10": "The unknown is passed over, and refused only where a client asks for it",
    "R11": "Forgetting: a deleted message is in no event any more",
    "frames": "Every frame is as the schema has it",
    "limits": "The limits of welcome hold",
    "errors": "What can't be done is refused by the right code, and harms nothing else",
    "closing": "Connections are closed by the right code, after a bye that says the same",
}

UNSEEN: Final = {
    "R3": "that it outlives a cut of power",
    "R5": "a thousand events, where so many writes would take minutes",
    "R9": "that restoring a backup changes the epoch",
    "limits": "slow clients; a thousand streams; fifty kinds of reactions; a hundred pins",
    "errors": "unauthorized, muted, slow_mode, read_only, archived, edit_expired, "
    "upload_missing, too_many_streams, storage_full, unavailable, internal",
    "closing": "1001, 1012, 4000, 4001, 4003, 4004, 4005, 4100, 4403, 4429",
}
"""What of a rule nobody sees from outside, or without doing harm."""


class BrokenError(Exception):
    """A rule is broken; the message says how."""


class UnseenError(Exception):
    """This server doesn't let it be seen whether the rule is kept; the message says why."""


def expect(kept: object, broken: str) -> None:
    """Go on if a rule is kept.

    Raises:
        BrokenError: otherwise.
    """
    if not kept:
        raise BrokenError(broken)


def same(found: object, wanted: object, what: str) -> None:
    """Go on if what was found is what is right.

    Raises:
        BrokenError: otherwise.
    """
    expect(found == wanted, f"{what}: {found!r}, where {wanted!r} is right")


class Verdict(StrEnum):
    """How a case ended."""

    KEPT = "kept"
    BROKEN = "BROKEN"
    UNSEEN = "not seen"


@dataclass(frozen=True)
class Case:
    """One look at one rule; a `patient` one waits for time to pass."""

    rule: str
    title: str
    look: Callable[[Stage], Awaitable[None]]
    patient: bool


@dataclass(frozen=True)
class Finding:
    """How a case ended, after how many seconds; if the rule is broken, with the frames that show it."""

    case: Case
    verdict: Verdict
    seconds: float
    why: str = ""
    frames: tuple[str, ...] = ()


CASES: Final[list[Case]] = []


def case(
    rule: str, *, patient: bool = False
) -> Callable[[Callable[[Stage], Awaitable[None]]], Callable[[Stage], Awaitable[None]]]:
    """Make a function a case of a rule; its docstring is the title."""
    assert rule in RULES

    def add(look: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
        CASES.append(Case(rule, (look.__doc__ or "").splitlines()[0].rstrip("."), look, patient))
        return look

    return add
