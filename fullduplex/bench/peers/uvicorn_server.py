"""uvicorn, with httptools; the WebSocket implementation is the one that it takes by itself, unless told."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import asgi_application
import common
import uvicorn


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start."""
        await super().startup(sockets)
        self.listens.set()


async def start(task: common.Task, sock: socket.socket) -> Any:
    """Start the server."""
    config = uvicorn.Config(
        asgi_application.echo if task.does == "echo" else asgi_application.tell_all,
        ws=task.variant or "auto",
        http="httptools",
        ws_max_size=common.LARGEST,
        ws_ping_interval=None,
        ws_per_message_deflate=task.deflate,
        lifespan="off",
        access_log=False,
        log_level="warning",
        backlog=common.BACKLOG,
        ssl_certfile=task.certificate,
        ssl_keyfile=task.certificate,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve([sock]))
    await server.listens.wait()
    return server, serving


common.run(start)
