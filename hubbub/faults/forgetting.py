"""What the deletion of a message does to a log: the bodies of its events are empty, and no others (R11).

An event of a log is told by its number, its kind and its author even when its body is gone.  Of which message
an empty edit was, only who has seen it whole can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from .history import Entry

_TEXTS: Final = frozenset({"msg.new", "msg.edit"})


def is_empty(entry: Entry) -> bool:
    """Say whether an event that gave a text has it no more."""
    return entry.k in _TEXTS and not entry.d


def deleted_in(log: Iterable[Entry]) -> set[int]:
    """Return the messages that a log's events have deleted."""
    return {entry.d["m"] for entry in log if entry.k == "msg.del"}


def is_same(seen: Entry, stored: Entry, deleted: set[int]) -> bool:
    """Say whether an event is as it is stored, but for what deletions have made of it before or since."""
    if seen == stored:
        return True
    whole = stored if is_empty(seen) else seen
    return (
        is_empty(seen) != is_empty(stored)
        and replace(seen, d={}) == replace(stored, d={})
        and _message_of(whole) in deleted
    )


def find_wrong(log: Sequence[Entry], known: Mapping[int, Entry]) -> Iterator[str]:
    """Yield what is empty without a deletion, and what has its body in spite of one.

    `known` are events as somebody has seen them whole.
    """
    deleted = deleted_in(log)
    for entry in log:
        if entry.k in _TEXTS and not is_empty(entry) and _message_of(entry) in deleted:
            yield f"{entry.s} still has {entry.q}, which is of a deleted message"
        elif is_empty(entry) and not _may_be_empty(known.get(entry.q, entry), log, deleted):
            yield f"{entry.s} has lost the body of {entry.q}, which nobody has deleted"


def _may_be_empty(entry: Entry, log: Sequence[Entry], deleted: set[int]) -> bool:
    message = _message_of(entry)
    if message is not None:
        return message in deleted
    # An edit that nobody saw whole: it was of any message that its author wrote before.
    return any(q < entry.q and log[q - 1].by == entry.by for q in deleted)


def _message_of(entry: Entry) -> int | None:
    return entry.q if entry.k == "msg.new" else entry.d.get("m")
