"""What idle connections take: the server's memory and the kernel's, and the loop's time; measured once.

Which servers are measured, and what is aimed at with memory, isn't known here.
"""

from __future__ import annotations

import time
from pathlib import Path

from figures import Goal, short
from processes import Failed
from turns import Effort, Pair, Turns

#: Bytes of memory that no server may come near.
ENOUGH = 2**33
LARGE = 2**20
#: One in so many connections is there before memory is measured.
FEW = 50
#: Who aims to have opened all connections in so many seconds, and its timer in so many milliseconds.
FACES, OPENED, LATE = ("event", "aio"), 4, 20


class Idle:
    """The connections of one server, but for a few that were there first.

    What is loaded and kept once isn't the connections': those few have made the server do it.
    """

    def __init__(self, pair: Pair, count: int) -> None:
        self.pair = pair
        self.few = count // FEW
        self.count = count - self.few
        pair.load.tell("open", self.few)
        pair.load.tell("each", 64)
        small = self.settled()
        pair.load.tell("each", LARGE)
        self.base = self.settled()
        self.kept = (self.base - small) / self.few
        self.kernels = kernel_memory()

    def settled(self) -> int:
        """Return the server's memory when it has had a moment."""
        time.sleep(0.5)
        return self.pair.server.memory()

    def open(self) -> float:
        """Open the connections, and return how many seconds that took."""
        seconds: float = self.pair.load.tell("open", self.count)["seconds"]
        return seconds

    def bytes(self) -> float:
        """Return the server's memory for each connection."""
        return (self.settled() - self.base) / self.count

    def kernel_bytes(self) -> float:
        """Return the kernel's memory for each connection; its other end is on this machine as well."""
        return (kernel_memory() - self.kernels) / self.count / 2

    def send_large(self) -> None:
        """Let each connection have a large message.

        Raises:
            Failed: if the first few have shown that the server would keep too much.
        """
        if self.kept * self.count > ENOUGH:
            raise Failed("It keeps so much of each message that there might not be memory enough.")
        self.pair.load.tell("each", LARGE)


def idle(turns: Turns, effort: Effort, *, connections: int, largest: int = 0) -> None:
    """Measure connections that have said nothing yet, that have nothing to say any more, and very many."""
    count, most = connections // effort.less, largest // effort.less
    turns.title = f"{count:,} {turns.title}"
    after = turns.other(f"{turns.title}, after a message of 1 MiB each", turns.unit, turns.goals)
    many = all_of_them(turns, count, most) if most else []
    for name in turns.going():
        with turns.turn(name):
            pair = Pair(name, {"timer": bool(many)})
            try:
                fill(Idle(pair, count), name, turns, after, *many[:1])
                for table in many[1:]:
                    fill_up(pair, name, count, most, table)
            finally:
                pair.end()


def all_of_them(turns: Turns, count: int, most: int) -> list[Turns]:
    """Begin the tables of those of whom more is asked."""
    return [
        turns.other(
            f"opening {count - count // FEW:,} connections", "s", [Goal(name, OPENED) for name in FACES]
        ),
        turns.other(
            f"{most:,} idle connections, then pinged, then each sent a message",
            "ms, p99 of a timer of 10 ms",
            [Goal(name, LATE) for name in FACES],
        ),
    ]


def fill(those: Idle, name: str, turns: Turns, after: Turns, opening: Turns | None = None) -> None:
    """See what connections take before they have said anything, and after."""
    if opening is None:
        those.open()
    else:
        those.pair.server.timer()
        opening.add(name, those.open())
        opening.note("p99 of a timer of 10 ms, ms", name, short(those.pair.server.timer()["p99"]))
    mine, kernels = those.bytes(), those.kernel_bytes()
    turns.add(name, mine)
    turns.note("of the kernel's", name, short(kernels))
    turns.note("a million, projected", name, f"{gigabytes(mine)} + {gigabytes(kernels)}")
    with after.turn(name):
        those.send_large()
        after.add(name, those.bytes())


def fill_up(pair: Pair, name: str, count: int, most: int, turns: Turns) -> None:
    """Open as many connections more as there may be, and see that all of them answer."""
    before = pair.server.memory()
    pair.load.tell("open", most - count)
    turns.note("bytes of each of the last", name, short((pair.server.memory() - before) / (most - count)))
    pair.server.timer()
    pair.load.tell("ping")
    pair.load.tell("each", 64)
    turns.add(name, pair.server.timer()["p99"])


def gigabytes(each: float) -> str:
    """Write what a million times so many bytes are."""
    return f"{10**6 * each / 2**30:.1f} GiB"


def kernel_memory() -> int:
    """Return the bytes that the kernel has taken for all that it keeps, sockets among it."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text("utf-8").splitlines())
    return int(fields["Slab"].split()[0]) * 1024
