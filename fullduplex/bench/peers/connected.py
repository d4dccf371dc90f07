"""A client whose library has the names of websockets' asyncio client; which library, isn't known here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import clients


def run(connect: Callable[..., Awaitable[Any]]) -> None:
    """Echo over connections that this opens."""

    async def echo(connection: Any, echoes: clients.Echoes) -> None:
        while True:
            await connection.send(echoes.payload)
            echoes.add(await connection.recv())

    async def start(address: str, echoes: clients.Echoes) -> Any:
        connection = await connect(address, compression=None, ping_interval=None, proxy=None)
        return connection, asyncio.create_task(echo(connection, echoes))

    clients.run(start)
