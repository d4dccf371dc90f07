"""Does whole transactions: on the event loop where the driver awaits, and in a thread where it blocks.

To hand over every statement of a transaction would cost far more than most statements: each time a thread
is woken, and the interpreter changes hands.

Invariants:

1. A transaction is done in one thread from its beginning to its end, and the loop hears of it once.
2. What is done in it waits for nothing but the database: it is the same for a driver that awaits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")

Connection = AsyncConnection
"""What queries are asked of, in a transaction."""

Work = Callable[[Connection], Awaitable[T]]
"""What is done in a transaction; it awaits nothing but that."""

_Opened = Callable[[], AbstractContextManager[sqlalchemy.Connection]]


class BlockingConnection(AsyncConnection):
    """A connection whose statements have been executed when a call returns."""

    async def execute(self, statement: Any, parameters: Any = None, *, execution_options: Any = None) -> Any:
        """Execute a statement."""
        return self._proxied.execute(statement, parameters, execution_options=execution_options)

    async def exec_driver_sql(
        self, statement: str, parameters: Any = None, execution_options: Any = None
    ) -> Any:
        """Execute a statement in the driver's own words."""
        return self._proxied.exec_driver_sql(statement, parameters, execution_options)


class BlockingEngine(AsyncEngine):
    """An engine whose transactions are done in so many threads at most.

    Whoever opens a connection of it on a loop keeps the loop waiting.
    """

    _connection_cls = BlockingConnection

    def __init__(self, sync_engine: Engine, threads: int, name: str) -> None:
        # All that an AsyncEngine asks of a driver; what follows from it is what the connections do above.
        sync_engine.dialect.is_async = True
        super().__init__(sync_engine)
        self._threads = threads
        self._name = name
        self._executor = self._make_executor()

    def _make_executor(self) -> ThreadPoolExecutor:
        # Threads are started when they are needed.
        return ThreadPoolExecutor(self._threads, self._name)

    async def run(self, opened: _Opened, work: Work[T]) -> T:
        """Do something with a connection, in a thread.

        Cancelling doesn't undo what has begun, nor wait for its end.
        """

        def run() -> T:
            with opened() as connection:
                return _finish(work, BlockingConnection(self, connection))

        return await asyncio.get_running_loop().run_in_executor(self._executor, run)

    async def dispose(self, close: bool = True) -> None:
        """Wait for what has begun, and close every connection; the next transaction opens another."""
        executor, self._executor = self._executor, self._make_executor()

        def end() -> None:
            # Connections that are in use would stay open.
            executor.shutdown()
            self.sync_engine.dispose(close)

        await asyncio.to_thread(end)


def _finish(work: Work[T], connection: AsyncConnection) -> T:
    """Do what never has to wait.

    Raises:
        RuntimeError: if it waits all the same.
    """

    async def do() -> T:
        return await work(connection)

    doing = do()
    try:
        doing.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    doing.close()
    raise RuntimeError("a transaction awaits something else than its own connection")


async def write(engine: AsyncEngine, work: Work[T]) -> T:
    """Do something in a transaction of its own, and commit."""
    if isinstance(engine, BlockingEngine):
        return await engine.run(engine.sync_engine.begin, work)
    async with engine.begin() as connection:
        return await work(connection)


async def read(engine: AsyncEngine, work: Work[T]) -> T:
    """Do something in a transaction of its own that has nothing to commit."""
    if isinstance(engine, BlockingEngine):
        return await engine.run(engine.sync_engine.connect, work)
    async with engine.connect() as connection:
        return await work(connection)
