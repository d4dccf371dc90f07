"""tornado: its WebSocketHandler."""

from __future__ import annotations

import socket
from typing import Any

import common
from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketHandler

handlers: set[Handler] = set()


class Handler(WebSocketHandler):
    """Sends back what comes, or sends it to everyone."""

    task: common.Task

    def initialize(self, task: common.Task) -> None:
        """Take what is to be done."""
        self.task = task

    def get_compression_options(self) -> dict[str, Any] | None:
        """Say whether to compress."""
        return {"mem_level": 5} if self.task.deflate else None

    def open(self) -> None:
        """Take a connection."""
        self.set_nodelay(True)
        handlers.add(self)

    def on_message(self, message: str | bytes) -> Any:
        """Take a message."""
        binary = isinstance(message, bytes)
        for each in handlers if self.task.does == "broadcast" else [self]:
            each.write_message(message, binary=binary)


async def start(task: common.Task, sock: socket.socket) -> HTTPServer:
    """Start the server."""
    application = Application(
        [("/", Handler, {"task": task})],
        websocket_ping_interval=None,
        websocket_max_message_size=common.LARGEST,
        log_function=lambda handler: None,
    )
    sock.setblocking(False)
    server = HTTPServer(application, ssl_options=common.context(task), max_buffer_size=8 * common.LARGEST)
    server.add_socket(sock)
    return server


common.run(start)
