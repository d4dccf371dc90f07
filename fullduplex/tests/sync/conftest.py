"""A server on a thread of its own, for a client that blocks the test's."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from fullduplex import serve
from fullduplex.sync.background import Call

from ..aio.conftest import no_proxies, tls  # noqa: F401 - fixtures
from ..aio.ends import Talk, obey, plain_server

T = TypeVar("T")


class Server:
    """What runs on the server's thread; ``arrived`` has its connections."""

    def __init__(self, listening: Any, loop: asyncio.AbstractEventLoop, arrived: queue.Queue[Any]) -> None:
        address = listening.sockets[0].getsockname()
        self.url = f"ws://127.0.0.1:{address[1]}/"
        self.loop = loop
        self._arrived = arrived

    def connection(self) -> Any:
        """Wait for the server's end of the next connection."""
        return self._arrived.get(timeout=30)

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine function on the server's loop, and wait for it."""

        async def call() -> T:
            return await function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(30)


Serving = Callable[..., contextlib.AbstractAsyncContextManager[Any]]


@contextlib.contextmanager
def on_a_thread(serving: Serving, arrived: queue.Queue[Any]) -> Iterator[Server]:
    """Serve on a thread as long as the block runs."""
    started: queue.Queue[tuple[Server, asyncio.Event]] = queue.Queue()

    async def main() -> None:
        async with serving() as listening:
            ended = asyncio.Event()
            started.put((Server(listening, asyncio.get_running_loop(), arrived), ended))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    server, ended = started.get(timeout=30)
    try:
        yield server
    finally:
        server.loop.call_soon_threadsafe(ended.set)
        thread.join()


@pytest.fixture
def serving() -> Callable[..., contextlib.AbstractContextManager[Server]]:
    """Serve with options: a server that echoes, and closes as a message says: "close 4001 why"."""

    def make(**options: Any) -> contextlib.AbstractContextManager[Server]:
        arrived: queue.Queue[Any] = queue.Queue()

        async def converse(connection: Any) -> None:
            arrived.put(connection)
            await obey(connection)

        return on_a_thread(lambda: serve(converse, "127.0.0.1", 0, **options), arrived)

    return make


@pytest.fixture
def server(serving: Any) -> Iterator[Server]:
    """A server that echoes."""
    with serving() as server:
        yield server


@pytest.fixture
def plainly() -> Callable[[Talk], contextlib.AbstractContextManager[Server]]:
    """Serve nothing but TCP."""
    return lambda talk: on_a_thread(lambda: plain_server(talk), queue.Queue())


@pytest.fixture
def interrupt_result(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Do what Ctrl-C does when the next call's result is there, and before it is returned."""
    wait = Call.wait

    def interrupted(call: Call[Any]) -> None:
        wait(call)
        monkeypatch.undo()
        raise KeyboardInterrupt

    return lambda: monkeypatch.setattr(Call, "wait", interrupted)


def interrupt() -> None:
    """Do what Ctrl-C does."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
