"""What servers are asked, and what is counted then; which of them, and what is aimed at, isn't known here."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tools
from deflated import OFFER, Inflating, Wrong, frames, messages, window
from figures import short
from processes import LOAD_CORE, SERVER_CORE, Failed, Process
from servers import SERVERS
from turns import Effort, Pair, Turns, microseconds, pairs


def frame_sizes(size: int) -> list[str]:
    """Return how many bytes a message has as a client's frame, and as a server's (5.2)."""
    head = 2 if size < 126 else 4 if size < 65536 else 10
    return [str(size + head + 4), str(size + head)]


def echo(
    turns: Turns, effort: Effort, *, connections: int, in_flight: int, size: int, tls: bool = False
) -> None:
    """Measure messages that come back."""
    task = {
        "does": "echo",
        "limit": ["relay", *frame_sizes(size)],
        "certificate": str(tools.certificate()) if tls else None,
    }
    with pairs(turns, task) as started:
        open_all(turns, started, connections)

        def ask(name: str, warm: float, seconds: float) -> float:
            return microseconds(started[name].load.tell("echo", "binary", in_flight, size, warm, seconds))

        turns.run(effort, ask)


def open_all(turns: Turns, started: Mapping[str, Pair], connections: int) -> dict[str, str]:
    """Open connections to everyone; return which extensions were agreed with whom."""
    agreed = {}
    for name in turns.going():
        with turns.turn(name):
            agreed[name] = started[name].load.tell("open", connections)["extensions"]
            if started[name].offer and "permessage-deflate" not in agreed[name]:
                raise Failed("It hasn't agreed on permessage-deflate with these windows.")
    return agreed


def deflated_echo(turns: Turns, effort: Effort, *, connections: int, size: int, count: int) -> None:
    """Measure compressed messages that come back compressed, and check them."""
    contents = messages(size, count)
    with tempfile.TemporaryDirectory() as folder, pairs(turns, {"deflate": True}, offer=OFFER) as started:
        files = {takeover: Path(folder, f"frames-{takeover}") for takeover in (True, False)}
        for takeover, path in files.items():
            path.write_bytes(frames(contents, takeover=takeover))
        agreed = open_all(turns, started, connections)
        inflating = {name: Inflating(contents, window(agreed[name])) for name in agreed}

        def ask(name: str, warm: float, seconds: float) -> float:
            dump = Path(folder, name)
            file = files["client_no_context_takeover" not in agreed[name]]
            figures = started[name].load.tell("frames", 1, file, dump, warm, seconds)
            check(inflating[name], dump)
            value = microseconds(figures)
            turns.note("bytes on the wire", name, short(figures["bytes"] / figures["count"]))
            turns.note("window", name, f"{window(agreed[name])} bits")
            return value

        turns.run(effort, ask)


def check(inflating: Inflating, dump: Path) -> None:
    """Check what the load has kept, and remove it.

    Raises:
        Failed: if it isn't what was sent, or not compressed.
    """
    content = dump.read_bytes()
    dump.unlink()
    try:
        compressed = inflating.check(content)
    except Wrong as error:
        raise Failed(str(error)) from error
    if not compressed:
        raise Failed("It has agreed on permessage-deflate, but sends nothing compressed.")


def broadcast(turns: Turns, effort: Effort, *, connections: int, size: int) -> None:
    """Measure a message that goes to everyone, by delivery."""
    [content] = messages(size, 1)
    task = {"does": "broadcast", "limit": ["broadcast", *frame_sizes(size)]}
    with tempfile.TemporaryDirectory() as folder, pairs(turns, task, offer=OFFER) as started:
        payload = Path(folder, "payload")
        payload.write_bytes(content)
        agreed = open_all(turns, started, connections)
        inflating = {name: Inflating([content], window(agreed[name])) for name in agreed}

        def ask(name: str, warm: float, seconds: float) -> float:
            dump = Path(folder, name)
            figures = started[name].load.tell("broadcast", payload, dump, warm, seconds)
            if started[name].offer:
                check(inflating[name], dump)
            return microseconds(figures)

        turns.run(effort, ask)


def handshake(turns: Turns, effort: Effort, *, connections: int) -> None:
    """Measure opening handshakes, with everything that a connection takes until it is open."""
    with pairs(turns, {}) as started:

        def ask(name: str, warm: float, seconds: float) -> float:
            load = started[name].new_load()
            try:
                return microseconds(load.tell("open", connections // effort.less))
            finally:
                load.end()
                # That they are closed isn't to fall into the next round.
                time.sleep(0.2)

        turns.run(effort, ask)


def flood(turns: Turns, effort: Effort, *, in_flight: int) -> None:
    """Measure how late a timer of the server's loop is while one connection sends as much as it can."""
    with pairs(turns, {"timer": True}) as started:
        open_all(turns, started, 1)

        def ask(name: str, warm: float, seconds: float) -> float:
            pair = started[name]
            pair.server.timer()
            pair.load.tell("echo", "binary", in_flight, 64, warm, 2 * seconds)
            return pair.server.timer()["p99"]

        turns.run(effort, ask)


def client(turns: Turns, effort: Effort, *, connections: int, size: int) -> None:
    """Measure clients that echo with a server in C; a client is a process for one round."""
    server = Process([str(tools.compiled("limit")), "websocket"], LOAD_CORE, {})
    try:
        port = int(server.line("ready", 10))

        def ask(name: str, warm: float, seconds: float) -> float:
            task = {"port": port, "connections": connections, "size": size, "warm": warm, "seconds": seconds}
            return microseconds(run_client(name, task))

        turns.run(effort._replace(hot=0, warm=0.3), ask)
    finally:
        server.end()


def run_client(name: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """Run a client to its end, and return its figures."""
    program = tools.PEERS / SERVERS[name].program
    process = Process(
        [sys.executable, str(program), json.dumps(task)], SERVER_CORE, SERVERS[name].variables()
    )
    try:
        figures: dict[str, Any] = json.loads("{" + process.line("{", 60))
        return figures
    finally:
        process.end()
