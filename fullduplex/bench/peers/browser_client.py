"""fullduplex's browser face."""

from __future__ import annotations

import asyncio

import clients

from fullduplex import WebSocket


async def start(address: str, echoes: clients.Echoes) -> WebSocket:
    """Open a connection, and let it echo."""
    is_open = asyncio.get_running_loop().create_future()
    ws = WebSocket(address, compression=None, proxy=None)
    ws.binaryType = "arraybuffer"

    def received(event):  # type: ignore[no-untyped-def]
        echoes.add(event.data)
        ws.send(echoes.payload)

    ws.onmessage = received
    ws.onopen = is_open.set_result
    await is_open
    ws.send(echoes.payload)
    return ws


clients.run(start)
