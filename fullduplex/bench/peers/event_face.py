"""fullduplex's event face."""

from __future__ import annotations

import socket
import zlib
from typing import Any

import common

from fullduplex import PerMessageDeflateFactory, WebSocketServer, broadcast


async def serve(task: common.Task, sock: socket.socket) -> WebSocketServer:
    """Start the server."""
    level = 1 if task.variant == "level 1" else -1
    # Peers compress as much by zlib at its lowest level, but not by zlib-ng.
    module = zlib if task.variant in ("zlib", "level 1") else None
    server = WebSocketServer(
        sock=sock,
        backlog=common.BACKLOG,
        ssl=common.context(task),
        maxPayload=common.LARGEST,
        perMessageDeflate=PerMessageDeflateFactory(level=level, zlib=module) if task.deflate else False,
        ping_interval=None,
    )

    @server.on("message")
    def heard(ws: Any, data: str | bytes, isBinary: bool) -> None:
        if task.does == "echo":
            ws.send(data)
        else:
            broadcast(server.clients, data)

    await server.wait_listening()
    return server


common.run(serve)
