"""picows: its callback core, over aiofastnet, as it is by default."""

from __future__ import annotations

import socket
from typing import Any

import common
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

transports: set[WSTransport] = set()


class Echo(WSListener):
    """Sends back what comes; messages of this benchmark have one frame each."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview())


class TellAll(Echo):
    """Sends what comes to everyone."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take a connection."""
        transports.add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        payload = frame.get_payload_as_bytes()
        for each in transports:
            each.send(frame.msg_type, payload)


async def start(task: common.Task, sock: socket.socket) -> Any:
    """Start the server."""
    listener = Echo if task.does == "echo" else TellAll
    return await ws_create_server(
        lambda request: listener(),
        sock=sock,
        backlog=common.BACKLOG,
        ssl=common.context(task),
        max_frame_size=common.LARGEST,
    )


common.run(start)
