"""picows.websockets: what picows offers with the interface of websockets."""

from __future__ import annotations

import socket
from typing import Any

import common
from picows.websockets.asyncio.server import broadcast, serve

connections: set[Any] = set()


async def echo(connection: Any) -> None:
    """Send back what comes."""
    async for message in connection:
        await connection.send(message)
        # Nothing of it is kept while the next one is waited for.
        del message


async def tell_all(connection: Any) -> None:
    """Send what comes to everyone."""
    connections.add(connection)
    async for message in connection:
        broadcast(connections, message)


async def start(task: common.Task, sock: socket.socket) -> Any:
    """Start the server."""
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
