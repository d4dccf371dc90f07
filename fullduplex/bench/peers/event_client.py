"""fullduplex's event face, as a client."""

from __future__ import annotations

import clients

from fullduplex.emitter import WebSocket


async def start(address: str, echoes: clients.Echoes) -> WebSocket:
    """Open a connection, and let it echo."""
    ws = WebSocket(address, perMessageDeflate=False, ping_interval=None)

    def received(data: str | bytes, is_binary: bool) -> None:
        echoes.add(data)
        ws.send(echoes.payload)

    ws.on("message", received)
    await ws.wait_open()
    ws.send(echoes.payload)
    return ws


clients.run(start)
