"""What the ASGI server runs: the least that echoes, or sends to everyone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

senders: set[Send] = set()


async def echo(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Send back what comes."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        event["type"] = "websocket.send"
        await send(event)
        # Nothing of it is kept while the next one is waited for.
        del event


async def tell_all(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Send what comes to everyone."""
    await receive()
    await send({"type": "websocket.accept"})
    senders.add(send)
    while (event := await receive())["type"] == "websocket.receive":
        event["type"] = "websocket.send"
        for each in senders:
            await each(event)
