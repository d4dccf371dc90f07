"""How servers take turns, so that whatever else the machine does falls on all alike.

One round measures each server once.  Who isn't asked has nothing to do.  It doesn't know what they are asked.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import tools
from figures import Goal, Row, short
from processes import Failed
from servers import SERVERS, Load, Running


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int = 5
    seconds: float = 0.7
    warm: float = 0.15
    #: Seconds before the first round, in which those that compile what runs often may do so.
    hot: float = 0.7
    #: By how much numbers of connections are divided.
    less: int = 1
    peers: Sequence[str] | None = None

    def of(self, peers: Sequence[str]) -> list[str]:
        """Return which of these servers are to be measured."""
        return [peer for peer in peers if self.peers is None or peer in self.peers]


class Turns:
    """The figures of a table while they come in, by server, and who has failed."""

    def __init__(self, title: str, unit: str, goals: Sequence[Goal], names: Sequence[str]) -> None:
        self.title = title
        self.unit = unit
        self.goals = goals
        self.samples: dict[str, list[float]] = {name: [] for name in names}
        self.extras: dict[str, dict[str, str]] = {}
        self.failures: dict[str, str] = {}
        #: Further tables that come of the same measurement.
        self.others: list[Turns] = []

    def other(self, title: str, unit: str, goals: Sequence[Goal]) -> Self:
        """Begin a further table."""
        made = type(self)(title, unit, goals, list(self.samples))
        self.others.append(made)
        return made

    @contextlib.contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Do in the block what one server is asked; if it fails, it is out."""
        try:
            yield
        except (Failed, tools.Missing) as error:
            say(f"    {name}: {error}")
            self.failures[name] = str(error)
            self.samples[name] = []

    def going(self) -> list[str]:
        """Return the servers that haven't failed."""
        return [name for name in self.samples if name not in self.failures]

    def add(self, name: str, value: float) -> None:
        """Take a figure."""
        self.samples[name].append(value)

    def note(self, column: str, name: str, value: str) -> None:
        """Take what else is to be said of a server."""
        self.extras.setdefault(column, {})[name] = value

    def rows(self) -> list[Row]:
        """Return all tables."""
        row = Row(self.title, self.unit, self.samples, self.goals, self.extras, self.failures)
        return [row, *(row for other in self.others for row in other.rows())]

    def run(self, effort: Effort, ask: Callable[[str, float, float], float]) -> None:
        """Let every server be asked once in each round, and take what ``ask`` says of it.

        It is asked for a time of warming and a time of measuring, in seconds.
        """
        if effort.hot:
            for name in self.going():
                with self.turn(name):
                    ask(name, 0, effort.hot)
        for number in range(effort.rounds):
            for name in self.going():
                with self.turn(name):
                    self.add(name, ask(name, effort.warm, effort.seconds))
            said = (f"{name} {short(self.samples[name][-1])}" for name in self.going())
            say(f"    {number + 1}/{effort.rounds}: {', '.join(said)}")


def say(line: str) -> None:
    """Tell what is going on."""
    print(line, file=sys.stderr, flush=True)


class Pair:
    """A server, and the load on it, without connections yet.

    What is offered is offered to servers that are to compress, and to no others.
    """

    def __init__(self, name: str, task: Mapping[str, Any], *, offer: str | None = None) -> None:
        server = SERVERS[name]
        compresses = {**task, **server.task}.get("deflate")
        self.offer = offer if compresses else None
        self.is_secure = bool(task.get("certificate"))
        self.server = Running(server, task)
        try:
            self.load = self.new_load()
        except BaseException:
            self.server.end()
            raise

    def new_load(self) -> Load:
        """Start another load on the server."""
        return Load(self.server, tls=self.is_secure, offer=self.offer)

    def end(self) -> None:
        """End both: the server first, so that it isn't told of connections that end."""
        self.server.end()
        self.load.end()


@contextlib.contextmanager
def pairs(turns: Turns, task: Mapping[str, Any], **how: Any) -> Iterator[dict[str, Pair]]:
    """Start every server with its load, for as long as the block runs."""
    with contextlib.ExitStack() as stack:
        started: dict[str, Pair] = {}
        for name in turns.going():
            with turns.turn(name):
                started[name] = Pair(name, task, **how)
                stack.callback(started[name].end)
        yield started


def microseconds(figures: Mapping[str, Any]) -> float:
    """Return the server's processor time for each thing that was done."""
    if not figures["count"]:
        raise Failed("Nothing came back in time.")
    return 1e6 * float(figures["cpu"]) / int(figures["count"])
