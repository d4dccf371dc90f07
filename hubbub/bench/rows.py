"""The rows of the chat's benchmark: what each asks of a server, how often, and what is aimed at.

In each round of a row the chat is asked and, on the same machine a moment later, the raw limit: a bare writer
of the same database, or a bare server of the same frames.  What becomes of the figures isn't known here.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from hosts import Crowd, Files, Host, Place, Servers, bare, chat, load, replay
from outcomes import Goal, Outcome
from town import Town

FRAMES, LIBRARY = "the frames alone", "the library alone"
KIB, MIB = 2**10, 2**20
#: Rooms of so many people, where people are in many; of each client's, so many have news after a restart.
NEIGHBOURS, NEWS, ROOMS = 100, 3, 20
#: One in so many sessions is there before memory is measured.
FEW = 50
#: Seconds after which what many connections have begun is over.
TO_SETTLE = 3.0


class Effort(NamedTuple):
    """How much is measured.

    `less` divides numbers of people; connections are held for `hold` seconds, which is longer than a server
    waits for a sign of life.
    """

    rounds: int = 3
    seconds: float = 5.0
    warm: float = 1.5
    less: int = 1
    hold: float = 40.0


class Store(Protocol):
    """Where databases come from."""

    def new(self, town: Town) -> Place:
        """Make a database of a town, in which nothing was said yet."""


class Stores:
    """Databases of every kind, of which those are made that are asked for."""

    @cached_property
    def sqlite(self) -> Files:
        """Files."""
        return Files()

    @cached_property
    def postgresql(self) -> Servers:
        """A server."""
        return Servers()

    def close(self) -> None:
        """Remove what was made."""
        for made in list(vars(self).values()):
            made.close()


def say(line: str) -> None:
    """Tell what is going on."""
    print(line, file=sys.stderr, flush=True)


def rounds(effort: Effort, *outcomes: Outcome) -> Iterator[int]:
    """Count the rounds, and tell after each what it came to."""
    for number in range(effort.rounds):
        yield number
        for outcome in outcomes:
            raw = f" (raw {outcome.raws[-1]:,.4g})" if outcome.raws else ""
            value = f"{outcome.values[-1]:,.4g} {outcome.unit}{raw}"
            say(f"    {number + 1}/{effort.rounds}: {outcome.title}: {value}")


# What is stored


def posts(effort: Effort, stores: Stores) -> list[Outcome]:
    """Store messages in SQLite, as many as may be, and half as many."""
    town = Town(100, 50, 100)
    most = Outcome(
        "durable posts, SQLite, 100 senders over 50 rooms",
        "posts/s",
        "bare sqlite3 writer",
        Goal(5_000, least=True, of_raw=0.5),
        "a post",
    )
    post(effort, stores.sqlite, town, most)
    half = Outcome("acknowledged, at half of that", "ms, p99", FRAMES, Goal(50), "a post")
    rate = most.reached / 2
    for _ in rounds(effort, half):
        task = {"rate": rate, "in_flight": 16, "count": town.people, **window(effort)}
        with chat(stores.sqlite.new(town)) as host:
            figures = load(host, town, "post", **task)
        with bare() as host:
            raw = load(host, town, "post", **task)
        half.take(tail_of(figures), figures)
        half.take_raw(tail_of(raw), raw)
    half.notes.append(f"{rate:,.0f} posts/s; median {1e3 * figures['p50']:.1f} ms in the last round")
    return [most, half]


def posts_postgresql(effort: Effort, stores: Stores) -> list[Outcome]:
    """Store messages in PostgreSQL."""
    goal = Goal(3_000, least=True)
    name = "durable posts, PostgreSQL, 100 senders over 50 rooms"
    outcome = Outcome(name, "posts/s", "bare asyncpg writer", goal, "a post")
    return [post(effort, stores.postgresql, Town(100, 50, 100), outcome)]


def hot_room(effort: Effort, stores: Stores) -> list[Outcome]:
    """Store messages of one room in SQLite."""
    goal = Goal(3_000, least=True)
    outcome = Outcome("one hot room, SQLite, 100 senders", "posts/s", "bare sqlite3 writer", goal, "a post")
    return [post(effort, stores.sqlite, Town(100, 1, 100), outcome)]


def hot_room_postgresql(effort: Effort, stores: Stores) -> list[Outcome]:
    """Store messages of one room in PostgreSQL."""
    goal = Goal(3_000, least=True)
    outcome = Outcome(
        "one hot room, PostgreSQL, 100 senders", "posts/s", "bare asyncpg writer", goal, "a post"
    )
    return [post(effort, stores.postgresql, Town(100, 1, 100), outcome)]


def post(effort: Effort, store: Store, town: Town, outcome: Outcome) -> Outcome:
    """Store messages of everyone, four of each under way, and the same by a bare writer."""
    batches = []
    for _ in rounds(effort, outcome):
        source, target = store.new(town), store.new(town)
        with chat(source) as host:
            figures = load(host, town, "post", count=town.people, in_flight=4, **window(effort))
        raw = replay(source, target)
        outcome.take(rate_of(figures), figures)
        outcome.take_raw(rate_of(raw), raw)
        batches.append(raw["count"] / raw["commits"])
    outcome.notes.append(f"{statistics.median(batches):.0f} posts a commit; {busy(figures)}")
    return outcome


# What is delivered


def big_room(effort: Effort, stores: Stores) -> list[Outcome]:
    """Let everyone in one room hear ten messages a second, and as many as may be."""
    people = 1_000 // effort.less
    town = Town(people, 1, people)
    late = Outcome(
        f"one room, {people:,} members online, 10 posts/s: delivered",
        "ms, p99",
        FRAMES,
        Goal(150),
        "a delivery",
    )
    most = Outcome(
        f"deliveries, one room of {people:,}", "deliveries/s", FRAMES, Goal(100_000, least=True), "a delivery"
    )
    slowly = {"rate": 10, "timed": True, **window(effort, seconds=2 * effort.seconds)}
    fast = {"senders": min(8, people), **window(effort)}
    for outcome, task, value in ((late, slowly, tail_of), (most, fast, rate_of)):
        for _ in rounds(effort, outcome):
            figures, raw = beside(stores, town, "deliver", count=people, **task)
            outcome.take(value(figures), figures)
            outcome.take_raw(value(raw), raw)
        outcome.notes.append(busy(figures))
    return [late, most]


def latency(effort: Effort, stores: Stores) -> list[Outcome]:
    """Let one of two hear what the other writes now and then."""
    town = Town(2, 1, 2)
    median = Outcome("post to another client's callback, idle server", "ms, p50", FRAMES, Goal(5), "a post")
    tail = Outcome("post to another client's callback, idle server", "ms, p99", FRAMES, Goal(20))
    for _ in rounds(effort, median, tail):
        task = {"rate": 40, "timed": True, **window(effort, seconds=2 * effort.seconds)}
        figures, raw = beside(stores, town, "deliver", count=2, **task)
        median.take(1e3 * figures["p50"], figures)
        median.take_raw(1e3 * raw["p50"], raw)
        tail.take(tail_of(figures))
        tail.take_raw(tail_of(raw))
    return [median, tail]


def beside(stores: Stores, town: Town, does: str, **task: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask the chat something, and then the bare server; return the figures of both."""
    with chat(stores.sqlite.new(town)) as host:
        figures = load(host, town, does, **task)
    with bare() as host:
        return figures, load(host, town, does, **task)


# Who is there


def idle(effort: Effort, stores: Stores) -> list[Outcome]:
    """Hold sessions that have nothing to do, each subscribed to its rooms."""
    town = crowded_town(15_000 // effort.less)
    memory = Outcome(
        f"{town.people:,} idle sessions in {ROOMS} rooms", "KiB of the server's each", FRAMES, Goal(10)
    )
    opened = Outcome(f"opening {town.people:,} sessions", "s", FRAMES, thing="a session")
    for number in rounds(effort, memory, opened):
        is_last = number == effort.rounds - 1
        with chat(stores.sqlite.new(town)) as host, held(host, town) as figures:
            opened.take(figures["seconds"], figures)
            memory.take(figures["memory"] / KIB)
            if is_last:
                memory.notes.append(stay(host, effort))
        with bare() as host, held(host, town) as raw:
            opened.take_raw(raw["seconds"], raw)
            memory.take_raw(raw["memory"] / KIB)
    memory.notes.append(f"rooms of {town.size} people")
    return [memory, opened]


def crowded_town(people: int) -> Town:
    """Return a town in which everyone is in many rooms."""
    size = min(people, NEIGHBOURS)
    return Town(people // size * size, ROOMS, size)


@contextmanager
def held(host: Host, town: Town) -> Iterator[dict[str, Any]]:
    """Hold everyone's session; give how they came, and how much memory each takes beyond the first few."""
    few = max(1, town.people // FEW)
    with Crowd(host, town, "gather", count=few) as first:
        time.sleep(TO_SETTLE)
        before = host.memory()
        with Crowd(host, town, "gather", first=few, count=town.people - few) as others:
            time.sleep(TO_SETTLE)
            memory = (host.memory() - before) / (town.people - few)
            yield {**others.figures, "memory": memory}
            for crowd in (first, others):
                crowd.check()


def stay(host: Host, effort: Effort) -> str:
    """Hold what is there, and say what that takes."""
    before = host.cpu()
    time.sleep(effort.hold)
    share = (host.cpu() - before) / effort.hold if effort.hold else 0
    return f"all still there after {effort.hold:g} s, which took {share:.1%} of a processor"


def resume(effort: Effort, stores: Stores) -> list[Outcome]:
    """Let everyone come back at once after a restart, each with news in some rooms."""
    town = crowded_town(10_000 // effort.less)
    outcome = Outcome(
        f"{town.people:,} clients × {ROOMS} rooms resume after a restart", "s", FRAMES, Goal(20), "a client"
    )
    queries = Outcome("the same: queries for token and memberships", "a client", "", Goal(1))
    for _ in rounds(effort, outcome, queries):
        place = restarted(stores.sqlite, town)
        with chat(place) as host:
            figures = load(host, town, "gather", count=town.people, missed=NEWS)
        with bare() as host:
            raw = load(host, town, "gather", count=town.people)
        outcome.take(figures["seconds"], figures)
        outcome.take_raw(raw["seconds"], raw)
        with chat(place, counted=True) as host:
            host.queries()
            load(host, town, "gather", count=town.people, missed=NEWS)
            counts = host.queries()
        queries.take(counts.get("token and memberships", 0) / town.people)
    streams = counts.get("streams", 0) / town.people
    queries.notes.append(f"besides {streams:.2g} reads of streams a client, {town.rooms:,} streams in all")
    outcome.notes.append(f"rooms of {town.size} people, {NEWS} of each client's with an event that it lacks")
    return [outcome, queries]


def restarted(store: Store, town: Town) -> Place:
    """Return a database in which everyone has missed something, of a chat that has ended."""
    place = store.new(town)
    with chat(place) as host:
        load(host, town, "say", count=town.rooms_of_a_class, missed=NEWS)
    return place


# Starting


def start(effort: Effort, stores: Stores) -> list[Outcome]:
    """Start the chat on a database that is there."""
    place = stores.sqlite.new(crowded_town(10_000 // effort.less))
    seconds = Outcome("cold start on an existing database", "s", LIBRARY, Goal(2), "a start")
    memory = Outcome("memory after the start", "MiB resident", LIBRARY, Goal(120))
    for _ in rounds(effort, seconds, memory):
        with chat(place) as host:
            seconds.take(host.started, {"count": 1, "cpu": host.cpu()})
            memory.take(host.resident() / MIB)
        with bare() as host:
            seconds.take_raw(host.started, {"count": 1, "cpu": host.cpu()})
            memory.take_raw(host.resident() / MIB)
    return [seconds, memory]


# What they share


def window(effort: Effort, seconds: float | None = None) -> dict[str, float]:
    """Return how long is measured, and not measured before."""
    return {"warm": effort.warm, "seconds": seconds or effort.seconds}


def busy(figures: Mapping[str, Any]) -> str:
    """Say how much of their processors the two sides took: one of both may have had no more to give."""
    server, crowd = (figures[side] / figures["seconds"] for side in ("cpu", "own"))
    return f"the server took {server:.0%} of a processor, the load {crowd:.0%}"


def tail_of(figures: Mapping[str, Any]) -> float:
    """Return how late the latest were, in milliseconds."""
    return 1e3 * float(figures["p99"])


def rate_of(figures: Mapping[str, Any]) -> float:
    """Return how many things were done in a second."""
    rate: float = figures["count"] / figures["seconds"]
    return rate


ROWS: dict[str, Callable[[Effort, Stores], list[Outcome]]] = {
    "posts": posts,
    "postgresql": posts_postgresql,
    "hot-room": hot_room,
    "hot-room-postgresql": hot_room_postgresql,
    "big-room": big_room,
    "latency": latency,
    "idle": idle,
    "resume": resume,
    "start": start,
}
