"""The database: what is stored, what of it is on the disk, and what happens to that.

Invariants, while every rule is kept:

1. A transaction happens as a whole, in one instant, or not at all.
2. A number is taken in that instant; so there are no holes, and no order but that of the commits.
3. What happened is on the disk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from faults.history import Committed, Entry, Restored

from .rules import Rule
from .world import World


@dataclass(frozen=True)
class Write:
    """What a user wants to have stored: a message, a mark, or that someone joins or leaves."""

    k: str
    by: str
    s: str
    d: dict[str, Any]


@dataclass
class Outcome:
    """What became of a write: an error, or where it is."""

    code: str | None = None
    q: int = 0
    is_repeated: bool = False
    entries: list[Entry] = field(default_factory=list)


class State:
    """Everything stored."""

    def __init__(self) -> None:
        self.epoch = 1
        self.logs: dict[str, list[Entry]] = defaultdict(list)
        self.nonces: dict[tuple[str, str], int] = {}
        self.members: dict[str, set[str]] = defaultdict(set)
        self.marks: dict[tuple[str, str], int] = {}

    def copy(self) -> State:
        """Return the same, apart."""
        other = State()
        other.epoch = self.epoch
        other.logs.update({s: list(log) for s, log in self.logs.items()})
        other.nonces = dict(self.nonces)
        other.members.update({s: set(users) for s, users in self.members.items()})
        other.marks = dict(self.marks)
        return other

    def head(self, s: str) -> int:
        """Return the last number of a stream."""
        return max((entry.q for entry in self.logs[s][-8:]), default=0)

    def after(self, s: str, q: int) -> list[Entry]:
        """Return the events behind a number."""
        return sorted((entry for entry in self.logs[s] if entry.q > q), key=lambda entry: entry.q)

    def may_read(self, user: str, s: str) -> bool:
        """Say whether a stream is for a user."""
        return s == f"me:{user}" or user in self.members[s]

    def unread(self, room: str, q: int) -> int:
        """Count the messages behind a mark."""
        return sum(entry.k == "msg.new" and entry.q > q for entry in self.logs[room])


class Database:
    """One database, which may stop, forget what isn't on its disk, and be restored."""

    def __init__(self, world: World) -> None:
        self.state = State()
        self.is_up = True
        self._world = world
        self._disk = self._backup = self.state.copy()
        self._starts = 0
        self._serial = 0
        if not world.has(Rule.DISK):
            world.every(1.0, self._flush)

    def commit(self, writes: list[Write], done: Callable[[list[Outcome] | None], None]) -> None:
        """Do writes in one transaction, and say in the end what became of each; None if of all nothing."""
        numbers = None if self._world.has(Rule.NUMBER) else self._take_numbers(writes)
        starts = self._starts

        def finish() -> None:
            outcomes = None
            if self.is_up and starts == self._starts:
                outcomes = [self._do(write, numbers) for write in writes]
            self._world.soon(lambda: done(outcomes))

        stall = 1.0 if self._world.goes_wrong(0.02) else 0.0
        self._world.after(stall + self._world.chance.uniform(0.002, 0.06), finish)

    def read(self, done: Callable[[State | None], None]) -> None:
        """Let what is stored be read in one of the next moments; None while that can't be."""
        self._world.soon(lambda: done(self.state if self.is_up else None))

    # What happens to it

    def crash(self) -> None:
        """Stop, and lose what is under way and what isn't on the disk."""
        self.is_up = False
        self._starts += 1
        if not self._world.has(Rule.DISK):
            self.state = self._disk.copy()

    def start(self) -> None:
        """Be there again."""
        self.is_up = True

    def back_up(self) -> None:
        """Keep what is stored now."""
        self._backup = self.state.copy()

    def restore(self) -> None:
        """Go back to what was kept."""
        self.crash()
        epoch = self.state.epoch + 1 if self._world.has(Rule.EPOCH) else self.state.epoch
        self.state = self._backup.copy()
        self.state.epoch = epoch
        self._disk = self.state.copy()
        heads = {s: len(log) for s, log in self.state.logs.items()}
        self._world.history.append(Restored(epoch, heads))

    def _flush(self) -> None:
        self._disk = self.state.copy()

    # Writing

    def _take_numbers(self, writes: list[Write]) -> dict[int, int]:
        # A counter of its own, as a sequence is: what is taken is gone, whatever becomes of the transaction.
        numbers = {}
        for write in writes:
            self._serial = max(self._serial, self.state.head(write.s)) + 1
            numbers[id(write)] = self._serial
        return numbers

    def _do(self, write: Write, numbers: dict[int, int] | None) -> Outcome:
        number = None if numbers is None else numbers[id(write)]
        match write.k:
            case "msg.new":
                return self._post(write, number)
            case "read":
                return self._mark(write)
            case _:
                return self._change_membership(write)

    def _post(self, write: Write, number: int | None) -> Outcome:
        author = write.by, write.d["n"]
        if self._world.has(Rule.NONCE) and author in self.state.nonces:
            return Outcome(q=self.state.nonces[author], is_repeated=True)
        if not self.state.may_read(write.by, write.s):
            return Outcome("not_member")
        entry = self._append(write.s, write.k, write.by, write.d, number)
        self.state.nonces[author] = entry.q
        self.state.marks[write.s, write.by] = entry.q
        return Outcome(q=entry.q, entries=[entry])

    def _mark(self, write: Write) -> Outcome:
        room, q = write.s, min(write.d["q"], self.state.head(write.s))
        if not self.state.may_read(write.by, room):
            return Outcome("not_member")
        if self._world.has(Rule.MARKS) and q <= self.state.marks.get((room, write.by), 0):
            return Outcome()
        self.state.marks[room, write.by] = q
        body = {"s": room, "q": q, "unread": self.state.unread(room, q), "mentions": 0}
        return Outcome(entries=[self._append(f"me:{write.by}", "read", write.by, body)])

    def _change_membership(self, write: Write) -> Outcome:
        user, joins = write.d["user"], write.d["op"] == "join"
        if (user in self.state.members[write.s]) == joins:
            return Outcome()
        if joins:
            self.state.members[write.s].add(user)
        else:
            self.state.members[write.s].discard(user)
        said = self._append(write.s, "member", write.by, write.d)
        kind = "room.add" if joins else "room.rm"
        return Outcome(entries=[said, self._append(f"me:{user}", kind, write.by, {"room": write.s})])

    def _append(self, s: str, k: str, by: str, d: dict[str, Any], number: int | None = None) -> Entry:
        entry = Entry(s, self.state.head(s) + 1 if number is None else number, k, by, d)
        self.state.logs[s].append(entry)
        self._world.history.append(Committed(entry))
        return entry
