"""What becomes of events on a connection that mangles them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from faults.frames import Mangle


def nobody() -> Any:
    """Return the ends of a connection, of which only the notes are used."""
    return SimpleNamespace(notes={})


def event(q: int) -> dict[str, Any]:
    """Return an event."""
    return {"t": "ev", "q": q}


def test_events_have_every_fate() -> None:
    """Of many events some are lost, some come twice, and some come after later ones."""
    way, ends = Mangle(0.1, 1), nobody()
    passed = [frame["q"] for q in range(1000) for frame in way.said(ends, event(q))]
    first = {q: passed.index(q) for q in passed}

    assert min(way.done.values()) > 50
    assert sum(way.done.values()) == 1000
    assert len(set(passed)) == 1000 - way.done["lose"] - len(ends.notes["kept"])
    assert sum(passed.count(q) == 2 for q in first) == way.done["double"]
    assert sum(first[q] > first.get(q + 1, 10**6) for q in first) > 25


def test_calm_changes_nothing() -> None:
    """When told so, it passes everything on."""
    way, ends = Mangle(0.3, 1), nobody()
    way.calm()

    assert [way.said(ends, event(q)) for q in range(9)] == [[event(q)] for q in range(9)]


def test_answers_pass_unchanged() -> None:
    """Only events are mangled, and nobody is allowed to join them."""
    way, ends = Mangle(1 / 3, 1), nobody()
    hello = {"t": "hello", "feat": ["batch", "badge"]}

    assert way.said(ends, {"t": "ok", "id": 1}) == [{"t": "ok", "id": 1}]
    assert way.asked(ends, hello) == [{"t": "hello", "feat": ["badge"]}]
