"""fullduplex's ``connect``."""

from __future__ import annotations

import asyncio
from typing import Any

import clients

from fullduplex import connect


async def echo(connection: Any, echoes: clients.Echoes) -> None:
    """Send a message whenever one has come."""
    while True:
        await connection.send(echoes.payload)
        echoes.add(await connection.recv())


async def start(address: str, echoes: clients.Echoes) -> Any:
    """Open a connection, and let it echo."""
    connection = await connect(address, compression=None, ping_interval=None, proxy=None)
    return connection, asyncio.create_task(echo(connection, echoes))


clients.run(start)
