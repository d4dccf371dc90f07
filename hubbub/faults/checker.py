"""Whether a history keeps the invariants.

Knows only what was seen to happen, nothing of how: the same checker judges a model and real processes.

I1 every acknowledged write is in the log; I2 and I11 a write is stored at most once; I3 numbers are
contiguous, in the order of commits; I4 what each client has seen is the log's, but for what was deleted; I5
in good times every client is at the head; I6 an author's messages have the order in which they were written;
I7 nothing waits in good times; I8 nothing is delivered after a removal; I9 marks go only forward, and what is
unread is what a recount gives; I10 what is bounded stays so; R11 the events of deleted messages are empty,
and no others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .forgetting import deleted_in, find_wrong, is_empty, is_same
from .history import (
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

Author = tuple[str, str]
"""A user and a nonce."""


class Violation(NamedTuple):
    """An invariant that doesn't hold, and how."""

    invariant: str
    what: str


def check(history: Iterable[Record]) -> list[Violation]:
    """Return what is wrong with a history."""
    checker = _Checker()
    for record in history:
        checker.take(record)
    return checker.violations


class _View:
    """What one client has of a stream: its events since the last reset."""

    def __init__(self, epoch: int, last: int) -> None:
        self.epoch = epoch
        self.last = last
        self.entries: list[Entry] = []


class _Checker:
    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self._epoch = 1
        self._epochs: dict[str, int] = {}
        self._log: dict[str, list[Entry]] = defaultdict(list)
        self._written: dict[tuple[str, str], list[Author]] = defaultdict(list)
        self._acknowledged: dict[Author, tuple[str, int]] = {}
        self._denied: set[Author] = set()
        self._undone: set[Author] = set()
        self._views: dict[tuple[str, str], _View] = {}
        self._removed: dict[tuple[str, str], int] = {}
        self._marks: dict[tuple[str, str], int] = {}

    def take(self, record: Record) -> None:
        match record:
            case Wrote():
                self._written[record.client, record.s].append((record.author, record.n))
            case Acknowledged():
                self._acknowledged[record.author, record.n] = record.s, record.q
            case Denied():
                self._denied.add((record.author, record.n))
            case Committed():
                self._commit(record.entry)
            case Opened():
                self._epochs[record.s] = record.epoch
            case Restored():
                self._restore(record)
            case Delivered():
                self._deliver(record)
            case Refilled():
                self._views[record.client, record.s] = _View(record.epoch, record.head)
            case Shown():
                self._show(record.client, record.entry)
            case Held():
                self._bound(record)
            case Settled():
                self._settle(record)

    def _fail(self, invariant: str, what: str) -> None:
        self.violations.append(Violation(invariant, what))

    # The log

    def _commit(self, entry: Entry) -> None:
        log = self._log[entry.s]
        if entry.q != len(log) + 1:
            self._fail("I3", f"{entry.s}: {entry.q} was committed after {len(log)}")
        if entry.k == "read":
            self._check_mark(entry)
        log.append(entry)
        self._follow(entry)

    def _follow(self, entry: Entry) -> None:
        if entry.k == "member":
            place = entry.s, entry.d["user"]
            if entry.d["op"] == "join":
                self._removed.pop(place, None)
            else:
                self._removed[place] = entry.q
        elif entry.k == "msg.new":
            self._marks[entry.s, entry.by] = entry.q
        elif entry.k == "read":
            self._marks[entry.d["s"], entry.by] = entry.d["q"]

    def _check_mark(self, entry: Entry) -> None:
        room, q = entry.d["s"], entry.d["q"]
        before = self._marks.get((room, entry.by), 0)
        if q < before:
            self._fail("I9", f"{entry.by} had read {room} up to {before}, then up to {q}")
        deleted = deleted_in(self._log[room])
        unread = sum(each.k == "msg.new" and each.q > q and each.q not in deleted for each in self._log[room])
        if entry.d["unread"] != unread:
            self._fail("I9", f"{entry.by} has {unread} unread in {room}, not {entry.d['unread']}")

    def _restore(self, restored: Restored) -> None:
        self._epoch = restored.epoch
        self._epochs.clear()
        self._undone |= _nonces(self._log)
        for s, log in self._log.items():
            del log[restored.heads.get(s, 0) :]
        self._undone -= _nonces(self._log)
        self._removed.clear()
        self._marks.clear()
        for log in self._log.values():
            for entry in log:
                self._follow(entry)

    # What was heard

    def _deliver(self, delivered: Delivered) -> None:
        removed = self._removed.get((delivered.s, delivered.user))
        if removed is not None and delivered.q > removed:
            self._fail("I8", f"{delivered.user} left {delivered.s} by {removed}, and got {delivered.q}")

    def _show(self, client: str, entry: Entry) -> None:
        view = self._views.get((client, entry.s))
        if view is None or entry.q != view.last + 1:
            last = view and view.last
            self._fail("I4", f"{client} was shown {entry.q} of {entry.s} after {last}")
        if view is not None:
            view.last = entry.q
            view.entries.append(entry)

    def _bound(self, held: Held) -> None:
        if held.size > held.most:
            self._fail("I10", f"a {held.what} of {held.size}, where {held.most} are the most")

    # In good times

    def _settle(self, settled: Settled) -> None:
        whole = {s: self._make_whole(s, log) for s, log in settled.logs.items()}
        self._check_log(whole)
        self._check_forgotten(settled.logs)
        self._check_order(whole)
        self._check_views(settled)
        for client, count in settled.waiting.items():
            if count:
                self._fail("I7", f"{client} has {count} writes that nobody answers")

    def _make_whole(self, s: str, log: list[Entry]) -> list[Entry]:
        """Return a log with the bodies that were there when it was committed."""
        committed = {entry.q: entry for entry in self._log[s]}
        return [committed.get(entry.q, entry) if is_empty(entry) else entry for entry in log]

    def _check_log(self, logs: dict[str, list[Entry]]) -> None:
        stored = [(entry.by, entry.d["n"]) for log in logs.values() for entry in log if "n" in entry.d]
        # Whose body was gone before anybody read it is known by its place.
        nameless = {(entry.by, s, entry.q) for s, log in logs.items() for entry in log if is_empty(entry)}
        for author in self._acknowledged.keys() - set(stored) - self._undone:
            if (author[0], *self._acknowledged[author]) not in nameless:
                self._fail("I1", f"{author} was acknowledged and is gone")
        if len(stored) != len(set(stored)):
            self._fail("I2", f"{len(stored) - len(set(stored))} writes are stored twice")
        for s, log in logs.items():
            if [entry.q for entry in log] != list(range(1, len(log) + 1)):
                self._fail("I3", f"{s} has holes")

    def _check_forgotten(self, logs: dict[str, list[Entry]]) -> None:
        for s, log in logs.items():
            empty = {entry.q for entry in log if is_empty(entry)}
            seen = (*self._log[s], *self._seen_of(s)) if empty else ()
            known = {entry.q: entry for entry in seen if entry.q in empty and not is_empty(entry)}
            for what in find_wrong(log, known):
                self._fail("R11", what)

    def _seen_of(self, s: str) -> list[Entry]:
        views = [view for (_, stream), view in self._views.items() if stream == s]
        return [entry for view in views if view.epoch == self._epoch_of(s) for entry in view.entries]

    def _check_order(self, logs: dict[str, list[Entry]]) -> None:
        for (client, s), written in self._written.items():
            places: dict[Author, int] = {}
            for entry in logs.get(s, []):
                places.setdefault((entry.by, entry.d.get("n", "")), entry.q)
            # What comes again after a refusal that was lost comes late, and may be allowed by then.
            numbers = [places[author] for author in written if author in places.keys() - self._denied]
            if numbers != sorted(numbers):
                self._fail("I6", f"{client} wrote to {s} in another order")

    def _check_views(self, settled: Settled) -> None:
        for (client, s), view in self._views.items():
            if view.epoch == self._epoch_of(s) and not _is_like(view, settled.logs.get(s, [])):
                self._fail("I4", f"{client} has seen of {s} what is not so")
        for client, streams in settled.standing.items():
            for s, standing in streams.items():
                head = self._epoch_of(s), len(settled.logs.get(s, []))
                if standing != head:
                    self._fail("I5", f"{client} has {s} up to {standing}, not {head}")

    def _epoch_of(self, s: str) -> int:
        return self._epochs.get(s, self._epoch)


def _is_like(view: _View, log: list[Entry]) -> bool:
    stored, deleted = {entry.q: entry for entry in log}, deleted_in(log)
    return all(seen.q in stored and is_same(seen, stored[seen.q], deleted) for seen in view.entries)


def _nonces(logs: dict[str, list[Entry]]) -> set[Author]:
    return {(entry.by, entry.d["n"]) for log in logs.values() for entry in log if "n" in entry.d}
