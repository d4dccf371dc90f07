"""The event loop of the blocking face, on a thread of its own.

One daemon thread runs one loop for all connections of the process, so that
pings are answered and sent while the program computes.  This module knows how
calls get to the loop, and how the threads that wait for them get their
outcome; it doesn't know what they are for.

Invariants:

1. The thread runs exactly as long as something is under way: a connection's life, or a call.
2. The result of a call goes to the thread that waits for it, or is kept: it is never lost.
3. A process uses no loop but its own: a forked one, whose copy shares the parent's selector, makes another.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from ..aio.connection import Connection
from ..close import CloseCode

__all__ = ["PULSE", "Background", "background"]

#: Seconds that connections have for the closing handshake when the interpreter ends.
EXIT_TIMEOUT = 1.0
#: Seconds for which the main thread waits in one go.  A signal that comes just before it waits
#: interrupts nothing, and on Windows none does.
PULSE = 0.25

T = TypeVar("T")


class _Loop(asyncio.SelectorEventLoop):
    """An event loop of a process that may be forked."""

    def __del__(self) -> None:
        """Stay open: closing the copy in a forked process would deafen the parent's."""


class Call(Generic[T]):
    """A coroutine function that is called on the loop, and the thread that waits for its outcome.

    ``keep`` is called on the loop with a result that nobody waits for any more.
    Locks alone, of all that threads can wait for, are left as they were by an
    exception of a signal handler.
    """

    def __init__(
        self, function: Callable[[], Awaitable[T]], keep: Callable[[T], object] | None = None
    ) -> None:
        self._function = function
        self._keep = keep
        self._result: T
        self._error: BaseException | None = None
        # Whoever takes it decides: the loop, that the outcome is given, or the thread, that it leaves.
        self._is_decided = threading.Lock()
        self._has_outcome = threading.Lock()
        self._has_outcome.acquire()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[None] | None = None

    def begin(self) -> asyncio.Task[None]:
        """Begin, on the loop."""
        self.task = asyncio.create_task(self._run())
        return self.task

    async def _run(self) -> None:
        try:
            self._result = await self._function()
        except BaseException as error:
            self._error = error
            if not isinstance(error, Exception):
                raise
        finally:
            # In the turn of the loop that took a message: in between, nobody can leave.
            if self._is_decided.acquire(blocking=False):
                self._has_outcome.release()
            elif self._error is None:
                self._keep_result()

    def wait(self) -> T:
        """Wait for the outcome."""
        while not self._has_outcome.acquire(timeout=PULSE):
            pass
        if self._error is not None:
            raise self._error
        return self._result

    def leave(self) -> None:
        """Wait no longer: cancel the call, or keep its result if it has one."""
        if self.loop is None:
            return
        if self._is_decided.acquire(blocking=False):
            self.loop.call_soon_threadsafe(self._cancel)
        elif self._error is None:
            self.loop.call_soon_threadsafe(self._keep_result)

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def _keep_result(self) -> None:
        if self._keep is not None:
            self._keep(self._result)


class Background:
    """An event loop, and the thread that runs it while there is something to do."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        # Signal handlers and finalizers may come here while their thread is here.
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._running = threading.Lock()
        self._calls: set[Call[Any]] = set()
        self._connections: set[Connection] = set()
        self._is_over = False

    @property
    def is_foreign(self) -> bool:
        """True in a process that was forked from ours."""
        return os.getpid() != self._pid

    def call(
        self,
        function: Callable[[], Awaitable[T]],
        keep: Callable[[T], object] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> T:
        """Call a coroutine function on the loop, and wait for its result.

        ``meanwhile`` is called in this thread before the waiting.  Whatever is
        raised in this thread, such as ``KeyboardInterrupt``, cancels the call.

        Raises:
            RuntimeError: in another process, on the loop's thread, or when the interpreter ends.
        """
        call = Call(function, keep)
        try:
            self._start(call)
            if meanwhile is not None:
                meanwhile()
            return call.wait()
        except BaseException:
            call.leave()
            raise

    def watch(self, connection: Connection) -> None:
        """Run the loop as long as a connection lives."""
        self._add(Call(lambda: self._live(connection)))

    async def _live(self, connection: Connection) -> None:
        self._connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            self._connections.discard(connection)

    def _start(self, call: Call[Any]) -> None:
        if self.is_foreign:
            raise RuntimeError("a connection is of no use in a forked process")
        if self._thread is threading.current_thread():
            raise RuntimeError("what runs on the event loop can't wait for it")
        with self._lock:
            if self._is_over:
                raise RuntimeError("the interpreter ends, and connections with it")
            self._add(call)

    def _add(self, call: Call[Any]) -> None:
        with self._lock:
            if self._loop is None:
                self._loop = _Loop()
            is_idle = not self._calls
            try:
                self._calls.add(call)
                call.loop = self._loop
                if is_idle:
                    self._thread = threading.Thread(target=self._run, name="fullduplex", daemon=True)
                    self._thread.start()
                self._loop.call_soon_threadsafe(self._begin, call)
            except BaseException:
                self._calls.discard(call)
                raise

    def _run(self) -> None:
        # The thread before may be in its last turn still.
        with self._running:
            if self._loop is not None and self._calls:
                self._loop.run_forever()

    def _begin(self, call: Call[Any]) -> None:
        call.begin().add_done_callback(lambda task: self._ended(call))

    def _ended(self, call: Call[Any]) -> None:
        with self._lock:
            self._calls.discard(call)
            if self._loop is not None and not self._calls:
                self._loop.stop()

    def end(self) -> None:
        """Close what is open, with code 1001, and cut in the end what doesn't close in time."""
        with self._lock:
            self._is_over = True
            if self._calls:
                self._add(Call(self._leave))
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(2 * EXIT_TIMEOUT)
        if self._loop is not None and not self._loop.is_running():
            self._loop.close()

    async def _leave(self) -> None:
        for connection in self._connections:
            connection.start_close(CloseCode.GOING_AWAY)
        tasks = {call.task for call in self._calls if call.task is not None} - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=EXIT_TIMEOUT)
        for connection in self._connections:
            connection.abort()
        for task in tasks:
            task.cancel()


_of_process = Background()


def background() -> Background:
    """Return the background of this process."""
    return _of_process


def _renew() -> None:
    global _of_process  # noqa: PLW0603 - there is one a process
    _of_process = Background()


def _end() -> None:
    _of_process.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
atexit.register(_end)
