"""picows: its callback core."""

from __future__ import annotations

from typing import Any

import clients
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect


class Echo(WSListener):
    """Sends a message whenever one has come."""

    def __init__(self, echoes: clients.Echoes) -> None:
        self.echoes = echoes

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take a connection."""
        transport.send(WSMsgType.BINARY, self.echoes.payload)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        self.echoes.add(frame.get_payload_as_bytes())
        transport.send(WSMsgType.BINARY, self.echoes.payload)


async def start(address: str, echoes: clients.Echoes) -> Any:
    """Open a connection, and let it echo."""
    return await ws_connect(lambda: Echo(echoes), address)


clients.run(start)
