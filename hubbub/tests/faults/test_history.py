"""What was seen, as a file has it."""

from __future__ import annotations

from pathlib import Path

from faults.history import Acknowledged, Committed, Entry, History, Record, Settled, read_history

RECORDS: list[Record] = [
    Acknowledged("ann", "n1", "r_tea", 1),
    Committed(Entry("r_tea", 1, "msg.new", "ann", {"n": "n1"})),
    Settled({"r_tea": []}, {"a": {"r_tea": (1, 0), "r_milk": None}}, {"a": 0}),
]


def test_history_survives_file(tmp_path: Path) -> None:
    """What is read again is what was noted."""
    history = History(tmp_path / "history.jsonl")
    for record in RECORDS:
        history.note(record)
    history.close()

    assert list(read_history(tmp_path / "history.jsonl")) == RECORDS == history.records
