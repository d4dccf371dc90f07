"""The workloads of the engine's benchmark: who is measured with what, and what is aimed at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import measures
import memory
from figures import Goal, Row
from turns import Effort, Turns, say


class Workload(NamedTuple):
    """A workload."""

    title: str
    unit: str
    peers: Sequence[str]
    goals: Sequence[Goal]
    measure: Callable[..., None]
    #: What the measure is told.
    options: Mapping[str, Any]


def run(key: str, effort: Effort) -> list[Row]:
    """Measure a workload, and return its tables."""
    workload = WORKLOADS[key]
    turns = Turns(workload.title, workload.unit, workload.goals, effort.of(workload.peers))
    say(f"{workload.title}: {', '.join(turns.going())}")
    workload.measure(turns, effort, **workload.options)
    first, *others = turns.rows()
    return [first._replace(key=key), *others]


OURS = ("event", "aio")
#: Others of ours, which aren't drawn: on the other loop, in the other build, under uvicorn.
OTHER_BUILDS = ("event-asyncio", "aio-asyncio", "event-pure", "aio-pure", "bridge")
PYTHON = ("picows", "picows-websockets", "aiohttp", "granian", "uvicorn", "tornado", "websockets")
PEERS = ("bun", "ws", *PYTHON)
#: Those that compress; of them, those whose level can't be set, and is zlib's lowest.
OWN_LEVEL = ("aiohttp",)
DEFLATING = ("bun", "ws", "picows-websockets", "aiohttp", "uvicorn", "tornado", "websockets")
CLIENTS = ("client-event", "client-aio", "client-browser", "client-picows", "client-websockets")

MESSAGE = "µs a message"
BYTES = "bytes a connection"
WORKLOADS = {
    "echo-1": Workload(
        "echo, 100 connections × 1 in flight, 64 B",
        MESSAGE,
        ("c", *OURS, *OTHER_BUILDS, *PEERS),
        [
            Goal("event", 1.4, "c"),
            Goal("event", 1, "bun"),
            Goal("aio", 1, "picows"),
            Goal("aio", 0.4, "websockets"),
        ],
        measures.echo,
        {"connections": 100, "in_flight": 1, "size": 64},
    ),
    "echo-16": Workload(
        "echo, 100 connections × 16 in flight, 64 B",
        MESSAGE,
        ("c", *OURS, *OTHER_BUILDS, *PEERS),
        [Goal("event", 2, "c"), Goal("event", 1, "bun"), Goal("aio", 6, "c"), Goal("aio", 0.5, "picows")],
        measures.echo,
        {"connections": 100, "in_flight": 16, "size": 64},
    ),
    "echo-64k": Workload(
        "echo, 10 connections × 1 in flight, 64 KiB",
        MESSAGE,
        ("c", *OURS, *PEERS),
        [Goal("event", 1.3, "c"), Goal("event", 1, PEERS)],
        measures.echo,
        {"connections": 10, "in_flight": 1, "size": 2**16},
    ),
    "echo-1m": Workload(
        "echo, 4 connections × 1 in flight, 1 MiB",
        MESSAGE,
        ("c", *OURS, *PEERS),
        [Goal("event", 1.3, "c"), Goal("event", 1, PEERS)],
        measures.echo,
        {"connections": 4, "in_flight": 1, "size": 2**20},
    ),
    "deflate-200": Workload(
        "permessage-deflate echo, 100 connections × 1 in flight, JSON of 200 B",
        MESSAGE,
        (*OURS, "event-zlib", "event-level-1", *DEFLATING),
        [
            Goal("event", 1, tuple(peer for peer in DEFLATING if peer not in OWN_LEVEL)),
            Goal("event-level-1", 1, OWN_LEVEL),
        ],
        measures.deflated_echo,
        {"connections": 100, "size": 200, "count": 200},
    ),
    "deflate-16k": Workload(
        "permessage-deflate echo, 20 connections × 1 in flight, JSON of 16 KiB",
        MESSAGE,
        (*OURS, "event-zlib", "event-level-1", *DEFLATING),
        [
            Goal("event", 1, tuple(peer for peer in DEFLATING if peer not in OWN_LEVEL)),
            Goal("event-level-1", 1, OWN_LEVEL),
        ],
        measures.deflated_echo,
        {"connections": 20, "size": 2**14, "count": 8},
    ),
    "broadcast": Workload(
        "broadcast to 1,000 connections, JSON of 200 B",
        "µs a delivery",
        ("c", *OURS, "event-deflate", *PEERS),
        [Goal("event", 1.15, "c"), Goal("event", 1, "bun"), Goal("event-deflate", 1.3, "event")],
        measures.broadcast,
        {"connections": 1000, "size": 200},
    ),
    "tls": Workload(
        "echo with TLS, 100 connections × 1 in flight, 64 B",
        MESSAGE,
        (*OURS, *PEERS),
        [Goal("event", 1, PYTHON)],
        measures.echo,
        {"connections": 100, "in_flight": 1, "size": 64, "tls": True},
    ),
    "client": Workload(
        "client, 100 connections × 1 in flight, 64 B",
        MESSAGE,
        CLIENTS,
        [Goal("client-aio", 1, "client-picows"), Goal("client-aio", 0.4, "client-websockets")],
        measures.client,
        {"connections": 100, "size": 64},
    ),
    "handshake": Workload(
        "opening handshake",
        "µs a connection",
        (*OURS, *PEERS),
        [Goal("event", 60)],
        measures.handshake,
        {"connections": 500},
    ),
    "flood": Workload(
        "a timer of 10 ms while one connection floods",
        "ms, p99",
        (*OURS, *PYTHON),
        [Goal(name, 20) for name in OURS],
        measures.flood,
        {"in_flight": 4096},
    ),
    "idle": Workload(
        "idle connections",
        BYTES,
        OURS,
        [Goal("event", 1024), Goal("aio", 5 * 1024)],
        memory.idle,
        {"connections": 15_000, "largest": 19_000},
    ),
    "idle-peers": Workload(
        "idle connections",
        BYTES,
        (*OURS, *PEERS),
        [],
        memory.idle,
        {"connections": 1000},
    ),
}
