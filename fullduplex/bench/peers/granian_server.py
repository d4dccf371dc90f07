"""granian: one worker, one thread, and its own interface, RSGI."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import common
from granian import Granian
from granian.constants import Interfaces, Loops, RuntimeModes

transports: set[Any] = set()


async def echo(transport: Any) -> None:
    """Send back what comes."""
    while (message := await transport.receive()).kind:
        if message.kind == 1:
            await transport.send_bytes(message.data)
        else:
            await transport.send_str(message.data)
        # Nothing of it is kept while the next one is waited for.
        del message


async def tell_all(transport: Any) -> None:
    """Send what comes to everyone."""
    transports.add(transport)
    while (message := await transport.receive()).kind:
        for each in transports:
            await each.send_str(message.data)


class Application:
    """The application of a worker."""

    def __rsgi_init__(self, loop: Any) -> None:
        """Begin what needs the loop, and tell when there is an answer."""
        if TASK.timer:
            loop.call_soon(common.start_timer)
        threading.Thread(target=wait_until_it_listens).start()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Take a connection."""
        transport = await protocol.accept()
        await (echo if TASK.does == "echo" else tell_all)(transport)


def wait_until_it_listens() -> None:
    """Tell that the server is ready, which it doesn't tell itself."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)):
            break
        time.sleep(0.01)
    common.ready(PORT)


TASK = common.task()
application = Application()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


# A worker imports this module anew.
PORT = int(os.environ.setdefault("GRANIAN_BENCH_PORT", str(free_port())))

if __name__ == "__main__":
    # It is meant for the worker.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    certificate = TASK.certificate and Path(TASK.certificate)
    Granian(
        "granian_server:application",
        port=PORT,
        interface=Interfaces.RSGI,
        workers=1,
        runtime_threads=1,
        runtime_mode=RuntimeModes.st,
        loop=Loops.uvloop if TASK.loop == "uvloop" else Loops.asyncio,
        backlog=common.BACKLOG,
        ssl_cert=certificate,
        ssl_key=certificate,
        log_enabled=False,
    ).serve()
