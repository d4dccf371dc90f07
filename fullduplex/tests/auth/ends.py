"""What tests of authentication have in common: who is known, and how clients fare on either face."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fullduplex.aio.client import connect
from fullduplex.aio.server import serve
from fullduplex.auth import Forbidden
from fullduplex.emitter import WebSocketServer
from fullduplex.exceptions import InvalidStatus

from ..aio.ends import url_of

FACES = ["coroutines", "events"]


def know(secret: str) -> str | None:
    """A check: knows one secret, forbids another, and fails at a third, whose error says it."""
    if secret == "banned":
        raise Forbidden
    return {"secret": "ann", "nobody": "", "broken": None}[secret]


async def know_later(secret: str) -> str | None:
    """The same check as a coroutine function."""
    await asyncio.sleep(0)
    return know(secret)


@contextlib.asynccontextmanager
async def serving(face: str, process_request: Any, **options: Any) -> AsyncIterator[str]:
    """Serve on a face who tells clients as whom they came in; give the address."""
    if face == "coroutines":

        async def tell(connection: Any) -> None:
            await connection.send(f"{connection.user} {connection.subprotocol} {connection.request.path}")

        async with serve(tell, "localhost", 0, process_request=process_request, **options) as server:
            yield url_of(server, "")
    else:
        events = WebSocketServer(host="localhost", port=0, process_request=process_request, **options)

        @events.on("connection")
        def tell_as_event(ws: Any, request: Any) -> None:
            ws.send(f"{ws.user} {ws.subprotocol} {request.path}")
            ws.close(1000)

        async with events:
            yield f"ws://localhost:{events.address()[1]}"


async def told(address: str, **options: Any) -> Any:
    """Return what a server tells a client: a message, or the response that refuses."""
    try:
        async with connect(address, **options) as connection:
            return await connection.recv()
    except InvalidStatus as error:
        return error.response


def status_of(answer: Any) -> int | str:
    """Return the status of a refusal, or the message."""
    return answer if isinstance(answer, str) else answer.status_code
