"""A server whose library has the names of websockets' asyncio server; which library, isn't known here."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import common


def run(serve: Callable[..., Awaitable[Any]], broadcast: Callable[[Iterable[Any], Any], None]) -> None:
    """Serve what the task asks for with these two."""
    connections: set[Any] = set()

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)
            # Nothing of it is kept while the next one is waited for.
            del message

    async def tell_all(connection: Any) -> None:
        connections.add(connection)
        async for message in connection:
            broadcast(connections, message)

    async def start(task: common.Task, sock: socket.socket) -> Any:
        return await serve(
            echo if task.does == "echo" else tell_all,
            sock=sock,
            backlog=common.BACKLOG,
            ssl=common.context(task),
            compression="deflate" if task.deflate else None,
            max_size=common.LARGEST,
            ping_interval=None,
        )

    common.run(start)
