"""The checker, on a history that is right and on ones that are broken in one place each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faults.checker import check
from faults.history import (
    Acknowledged,
    Committed,
    Delivered,
    Denied,
    Entry,
    Held,
    Opened,
    Record,
    Refilled,
    Restored,
    Settled,
    Shown,
    Wrote,
)

TEA = "r_tea"


def message(q: int, n: str = "", by: str = "ann") -> Entry:
    """Return a stored message."""
    return Entry(TEA, q, "msg.new", by, {"n": n or f"n{q}", "text": "hi"})


def member(q: int, op: str) -> Entry:
    """Return that bo joins the room, or is put out of it."""
    return Entry(TEA, q, "member", "root", {"op": op, "user": "bo"})


def mark(q: int, read: int, unread: int) -> Entry:
    """Return that ann has read so far."""
    return Entry("me:ann", q, "read", "ann", {"s": TEA, "q": read, "unread": unread, "mentions": 0})


def edit(q: int, m: int, by: str = "ann") -> Entry:
    """Return that a message has another text."""
    return Entry(TEA, q, "msg.edit", by, {"n": f"n{q}", "m": m, "text": "ho"})


def deletion(q: int, m: int, by: str = "ann") -> Entry:
    """Return that a message is taken back."""
    return Entry(TEA, q, "msg.del", by, {"n": f"n{q}", "m": m})


def emptied(*log: Entry) -> list[Entry]:
    """Return the same events without their bodies."""
    return [replace(entry, d={}) for entry in log]


def acknowledged(n: str, q: int) -> Acknowledged:
    """Return that ann was told where a message is."""
    return Acknowledged("ann", n, TEA, q)


def settled(*log: Entry, standing: tuple[int, int] | None = None, waiting: int = 0) -> Settled:
    """Return that all is quiet, and this is stored."""
    return Settled({TEA: list(log)}, {"a": {TEA: standing or (1, len(log))}}, {"a": waiting})


def wrote(*nonces: str) -> list[Record]:
    """Return that ann's program wrote these."""
    return [Wrote("a", "ann", TEA, nonce) for nonce in nonces]


def committed(*log: Entry) -> list[Record]:
    """Return that these were stored."""
    return [Committed(entry) for entry in log]


ONE, TWO = message(1), message(2)
EDIT = edit(2, 1)
START = Refilled("a", TEA, 1, 0)

GOOD: list[Record] = [
    START,
    *wrote("n1", "n2"),
    Committed(ONE),
    acknowledged("n1", 1),
    Shown("a", ONE),
    Committed(TWO),
    Delivered("bo", TEA, 2),
    Shown("a", TWO),
    Committed(mark(1, 2, 0)),
    Held("queue", 10, 10),
    settled(ONE, TWO),
]

BROKEN: dict[str, tuple[str, list[Record]]] = {
    "acknowledged and gone": ("I1", [acknowledged("n1", 1), settled(standing=(1, 0))]),
    "stored twice": ("I2", [*committed(ONE, message(2, "n1")), settled(ONE, message(2, "n1"))]),
    "a hole": ("I3", committed(ONE, message(3))),
    "a number taken twice": ("I3", committed(ONE, message(1, "n2"))),
    "a hole in the end": ("I3", [settled(ONE, message(3), standing=(1, 2))]),
    "shown with a hole": ("I4", [START, *committed(ONE, TWO), Shown("a", TWO)]),
    "shown twice": ("I4", [START, *committed(ONE), Shown("a", ONE), Shown("a", ONE)]),
    "shown before anything": ("I4", [*committed(ONE), Shown("a", ONE)]),
    "shown what is not so": ("I4", [START, *committed(ONE), Shown("a", message(1, "n2")), settled(ONE)]),
    "seen before it began": (
        "I4",
        [Opened(TEA, 7), Refilled("a", TEA, 7, 0), Shown("a", ONE), settled(standing=(7, 0))],
    ),
    "behind": ("I5", [*committed(ONE), settled(ONE, standing=(1, 0))]),
    "of another epoch": ("I5", [Opened(TEA, 7), *committed(ONE), settled(ONE)]),
    "of an old epoch": ("I5", [Restored(2, {}), settled(standing=(1, 0))]),
    "in another order": ("I6", [*wrote("n2", "n1"), *committed(ONE, TWO), settled(ONE, TWO)]),
    "stuck": ("I7", [settled(waiting=1)]),
    "delivered after removal": (
        "I8",
        [*committed(member(1, "join"), member(2, "kick"), message(3)), Delivered("bo", TEA, 3)],
    ),
    "a mark that went back": ("I9", committed(ONE, TWO, mark(1, 2, 0), mark(2, 1, 1))),
    "a wrong count": ("I9", committed(message(1, by="bo"), mark(1, 1, 1))),
    "a deletion not counted": ("I9", committed(message(1, by="bo"), deletion(2, 1, "bo"), mark(1, 0, 1))),
    "a body lost": ("R11", [START, *committed(ONE), Shown("a", ONE), settled(*emptied(ONE))]),
    "a body lost of an edit": ("R11", [*committed(ONE, EDIT), settled(ONE, *emptied(EDIT))]),
    "a body lost beside a deletion": (
        "R11",
        [*committed(ONE, TWO, deletion(3, 1)), settled(*emptied(ONE, TWO), deletion(3, 1))],
    ),
    "a body lost that nobody saw": ("R11", [*committed(*emptied(ONE)), settled(*emptied(ONE))]),
    "an edit lost of another's deletion": (
        "R11",
        [settled(message(1, by="bo"), *emptied(EDIT), deletion(3, 1, "bo"), standing=(1, 3))],
    ),
    "a body kept": ("R11", [*committed(ONE, deletion(2, 1)), settled(ONE, deletion(2, 1))]),
    "an edit kept": (
        "R11",
        [*committed(ONE, EDIT, deletion(3, 1)), settled(*emptied(ONE), EDIT, deletion(3, 1))],
    ),
    "shown without a body": ("I4", [START, *committed(ONE), Shown("a", *emptied(ONE)), settled(ONE)]),
    "another deleted": (
        "I4",
        [
            START,
            *committed(ONE, TWO, deletion(3, 1)),
            Shown("a", ONE),
            Shown("a", *emptied(TWO)),
            settled(*emptied(ONE), TWO, deletion(3, 1)),
        ],
    ),
    "another's in its place": (
        "I4",
        [START, Shown("a", message(1, by="bo")), settled(*emptied(ONE), deletion(2, 1))],
    ),
    "acknowledged, and another's deleted": (
        "I1",
        [acknowledged("n1", 1), settled(*emptied(message(1, by="bo")), deletion(2, 1, "bo"))],
    ),
    "too much": ("I10", [Held("queue", 11, 10)]),
}

ALLOWED: dict[str, list[Record]] = {
    "acknowledged and undone": [
        *committed(ONE), acknowledged("n1", 1), Restored(2, {}), settled(standing=(2, 0)),
    ],
    "numbered anew": [*committed(ONE, TWO), Restored(2, {TEA: 1}), *committed(message(2, "n3"))],
    "an epoch of its own": [Opened(TEA, 7), *committed(ONE), settled(ONE, standing=(7, 1))],
    "removed and back": [
        *committed(member(1, "kick"), ONE_LATER := message(2), member(3, "join")),
        Delivered("bo", TEA, ONE_LATER.q),
    ],
    "removed, up to the removal": [*committed(ONE, member(2, "kick")), Delivered("bo", TEA, 2)],
    "seen, then deleted": [
        START, *committed(ONE, EDIT), Shown("a", ONE), Shown("a", EDIT), Committed(deletion(3, 1)),
        Shown("a", deletion(3, 1)), settled(*emptied(ONE, EDIT), deletion(3, 1)),
    ],
    "deleted, then seen": [
        START, *committed(ONE, EDIT, deletion(3, 1)), *(Shown("a", each) for each in emptied(ONE, EDIT)),
        Shown("a", deletion(3, 1)), settled(*emptied(ONE, EDIT), deletion(3, 1)),
    ],
    "deleted before anybody looked": [
        *wrote("n1"), acknowledged("n1", 1), *committed(*emptied(ONE, EDIT), deletion(3, 1, "bo")),
        settled(*emptied(ONE, EDIT), deletion(3, 1, "bo")),
    ],
    "deleted, and not counted": committed(message(1, by="bo"), deletion(2, 1, "bo"), mark(1, 0, 0)),
    "refused, then allowed": [
        *wrote("n2", "n1"), Denied("ann", "n2"), *committed(ONE, TWO), settled(ONE, TWO),
    ],
}  # fmt: skip


def test_good_history_passes() -> None:
    """What is right is found to be."""
    assert check(GOOD) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken_history_fails(name: str) -> None:
    """What is wrong is found, and by the invariant that it breaks."""
    invariant, history = BROKEN[name]

    assert invariant in {violation.invariant for violation in check(history)}


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_history_passes(name: str) -> None:
    """What looks wrong and isn't is let be."""
    assert check(ALLOWED[name]) == []
