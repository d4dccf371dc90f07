"""The server that the engine accepts connections for.

The loop makes the listening sockets, with its own rules for addresses and errors, and keeps them;
the engine listens on duplicates of them.  It doesn't know what a connection is.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .native import engine

__all__ = ["EngineServer", "can_listen", "listen"]


def can_listen(options: Mapping[str, Any]) -> bool:
    """Tell whether the engine can listen with these options of ``loop.create_server``."""
    # The engine ends TLS within the close time-out of a connection.
    return engine is not None and "ssl_shutdown_timeout" not in options


async def listen(
    create: Callable[..., Awaitable[asyncio.Server]],
    accept: Callable[[], Any],
    *,
    backlog: int = 100,
    start_serving: bool = True,
    **options: Any,
) -> EngineServer:
    """Listen as ``create`` does with these options; ``accept`` makes a connection for each that comes.

    Raises:
        OSError: if the address can't be listened on.
    """
    holder = await create(start_serving=False, backlog=backlog, **options)
    make = functools.partial(
        engine.Listener,
        asyncio.get_running_loop(),
        accept=accept,
        context=options.get("ssl"),
        handshake_timeout=options.get("ssl_handshake_timeout") or 60,
    )
    listeners: list[Any] = []
    server = EngineServer(holder, listeners, backlog)
    try:
        listeners.extend(make(socket.socket(fileno=os.dup(sock.fileno()))) for sock in holder.sockets)
        if start_serving:
            await server.start_serving()
    except BaseException:
        server.close()
        raise
    return server


class EngineServer:
    """What of ``asyncio.Server`` servers use."""

    def __init__(self, holder: asyncio.Server, listeners: list[Any], backlog: int) -> None:
        self._holder = holder
        self._listeners = listeners
        self._backlog = backlog
        self._is_serving = False

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets; none once it is closed."""
        return tuple(self._holder.sockets)

    def is_serving(self) -> bool:
        """Tell whether connections are accepted."""
        return self._is_serving

    async def start_serving(self) -> None:
        """Accept connections from now on; calling it again does nothing."""
        if not self._is_serving:
            self._is_serving = True
            for listener in self._listeners:
                listener.sock.listen(self._backlog)
                listener.start()

    def close(self) -> None:
        """Stop listening; calling it again does nothing."""
        self._is_serving = False
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.stop()
            listener.sock.close()
        self._holder.close()
