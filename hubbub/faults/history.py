"""What was seen to happen, in the order in which it happened.

Streams are named as the database does: a room by its id, and a user's own stream `me:` and theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import msgspec


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is stored."""

    s: str
    q: int
    k: str
    by: str
    d: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wrote:
    """A program asked its client to store a message."""

    client: str
    author: str
    s: str
    n: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A client was told that a message is stored, and where."""

    author: str
    n: str
    s: str
    q: int


@dataclass(frozen=True, slots=True)
class Denied:
    """A server refused a message for good; whoever doesn't hear of it may send it again."""

    author: str
    n: str


@dataclass(frozen=True, slots=True)
class Committed:
    """The database has an event."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream's numbers begin, in an epoch of its own."""

    s: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Restored:
    """The database is as it was when its streams were so long; they all have a new epoch."""

    epoch: int
    heads: dict[str, int]


@dataclass(frozen=True, slots=True)
class Delivered:
    """A server sent an event to a user."""

    user: str
    s: str
    q: int


@dataclass(frozen=True, slots=True)
class Refilled:
    """A client was told what a stream is like up to `head`, without its events."""

    client: str
    s: str
    epoch: int
    head: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A client told its program of an event."""

    client: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Held:
    """Something of this size was kept, or sent as one, where no more than `most` may be."""

    what: str
    size: int
    most: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing has been wrong for long enough.

    `logs` is what the database has; `standing` the epoch and number to which each client has each stream
    that its user may read; `waiting` how many writes each client still has.
    """

    logs: dict[str, list[Entry]]
    standing: dict[str, dict[str, tuple[int, int] | None]]
    waiting: dict[str, int]


Record: TypeAlias = (
    Wrote | Acknowledged | Denied | Committed | Opened | Restored | Delivered | Refilled | Shown | Held
    | Settled
)  # fmt: skip

_KINDS: Final = {kind.__name__: kind for kind in Record.__args__}


class History:
    """What was seen so far; each record is a line of a file, too, which people can read afterwards."""

    def __init__(self, file: Path) -> None:
        self.records: list[Record] = []
        self._file: IO[bytes] = file.open("wb")

    def note(self, record: Record) -> None:
        """Add what was seen just now."""
        self.records.append(record)
        self._file.write(msgspec.json.encode([type(record).__name__, record]) + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def read_history(file: Path) -> Iterator[Record]:
    """Yield what was seen, as the file has it."""
    with file.open("rb") as lines:
        for line in lines:
            kind, record = msgspec.json.decode(line, type=tuple[str, msgspec.Raw])
            yield msgspec.json.decode(record, type=_KINDS[kind])
