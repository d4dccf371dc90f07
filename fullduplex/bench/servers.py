"""The servers that the engine is measured against, and its own: how they are started, watched and ended.

It knows what they are told; not what is sent to them, nor what becomes of figures.

Invariants:

1. A server and what it starts run on one processor, and the load on another, where there are two.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tools
from processes import LOAD_CORE, SERVER_CORE, Process, family, private_bytes

#: Seconds in which a server must listen, and in which the load must have done what it was told.
TO_LISTEN, TO_OBEY = 30, 300


class Server(NamedTuple):
    """A server that can be measured."""

    name: str
    #: The program in the folder of peers, or the task of limit.c.
    program: str
    #: Parts of the task that are always so; see peers/common.py.
    task: Mapping[str, Any] = {}
    environment: Mapping[str, str] = {}

    def command(self, task: Mapping[str, Any]) -> list[str]:
        """Return the command that starts it."""
        if self.program == "limit":
            return [str(tools.compiled("limit")), *task["limit"]]
        run = {".py": lambda: [sys.executable], ".js": self.engine}[Path(self.program).suffix]()
        told = {key: value for key, value in task.items() if key != "limit" and value is not None}
        return [*run, str(tools.PEERS / self.program), json.dumps({**told, **self.task})]

    def engine(self) -> list[str]:
        """Return what runs its JavaScript."""
        return [tools.bun() if self.program.startswith("bun") else tools.node()]

    def variables(self) -> dict[str, str]:
        """Return what its environment has besides ours."""
        folders = [str(tools.ROOT / "fullduplex" / "src"), str(tools.PACKAGES)]
        return {"PYTHONPATH": os.pathsep.join(folders), "NODE_ENV": "production", **self.environment}

    @property
    def is_ours(self) -> bool:
        """Whether this is what is measured, rather than what it is measured against."""
        return self.name.startswith("fullduplex")


PURE = {"FULLDUPLEX_NATIVE": "0"}
SERVERS = {
    "c": Server("C, plain TCP", "limit"),
    "event": Server("fullduplex, event face", "event_face.py"),
    "aio": Server("fullduplex, asyncio face", "asyncio_face.py"),
    "event-deflate": Server("fullduplex, event face, deflated", "event_face.py", {"deflate": True}),
    "event-level-1": Server("fullduplex, event face, level 1", "event_face.py", {"variant": "level 1"}),
    "event-zlib": Server("fullduplex, event face, standard zlib", "event_face.py", {"variant": "zlib"}),
    "event-asyncio": Server("fullduplex, event face, standard loop", "event_face.py", {"loop": "asyncio"}),
    "aio-asyncio": Server("fullduplex, asyncio face, standard loop", "asyncio_face.py", {"loop": "asyncio"}),
    "event-pure": Server("fullduplex, event face, pure", "event_face.py", environment=PURE),
    "aio-pure": Server("fullduplex, asyncio face, pure", "asyncio_face.py", environment=PURE),
    "bridge": Server(
        "fullduplex, uvicorn bridge", "uvicorn_server.py", {"variant": "fullduplex.asgi:UvicornProtocol"}
    ),
    "bun": Server("Bun", "bun_server.js"),
    "picows": Server("picows, core", "picows_core.py"),
    "picows-websockets": Server("picows.websockets", "picows_websockets.py"),
    "aiohttp": Server("aiohttp", "aiohttp_server.py"),
    "ws": Server("ws", "ws_server.js"),
    "granian": Server("granian", "granian_server.py"),
    "uvicorn": Server("uvicorn", "uvicorn_server.py", {"variant": "websockets-sansio"}),
    "tornado": Server("tornado", "tornado_server.py"),
    "websockets": Server("websockets", "websockets_server.py"),
    "client-event": Server("fullduplex, event face, client", "event_client.py"),
    "client-aio": Server("fullduplex, connect", "asyncio_client.py"),
    "client-browser": Server("fullduplex, browser face", "browser_client.py"),
    "client-picows": Server("picows, core, client", "picows_client.py"),
    "client-websockets": Server("websockets, client", "websockets_client.py"),
}


class Running:
    """A server that listens."""

    def __init__(self, server: Server, task: Mapping[str, Any]) -> None:
        self.server = server
        self.process = Process(server.command(task), SERVER_CORE, server.variables())
        try:
            self.port = int(self.process.line("ready", TO_LISTEN))
        except BaseException:
            self.process.end()
            raise

    def pids(self) -> list[int]:
        """Return its processes."""
        return family(self.process.popen.pid)

    def memory(self) -> int:
        """Return the bytes of memory that all its processes have taken, without what they share."""
        return sum(map(private_bytes, self.pids()))

    def timer(self) -> dict[str, float]:
        """Return how the timer on its loop did since it was last asked, in milliseconds."""
        self.process.signal(signal.SIGUSR1)
        figures: dict[str, float] = json.loads(self.process.line("timer", TO_LISTEN))
        return figures

    def end(self) -> None:
        """End it."""
        self.process.end()


class Load:
    """The program that makes the load, with its connections to one server."""

    def __init__(self, server: Running, *, tls: bool = False, offer: str | None = None) -> None:
        flags = ["-t"] * tls + (["-o", offer] if offer else [])
        if server.server.program == "limit":
            flags = ["-r"]
        pids = [word for pid in server.pids() for word in ("-s", str(pid))]
        command = [str(tools.load(tls=tls)), *flags, "-p", str(server.port), *pids]
        self.process = Process(command, LOAD_CORE, {})

    def tell(self, *words: object) -> dict[str, Any]:
        """Give a command, and return its figures when it is done.

        Raises:
            Failed: if the load finds anything wrong.
        """
        assert self.process.popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.popen.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        figures: dict[str, Any] = json.loads("{" + self.process.line("{", TO_OBEY))
        return figures

    def end(self) -> None:
        """Cut its connections."""
        self.process.end()
