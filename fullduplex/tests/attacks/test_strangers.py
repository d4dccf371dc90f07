"""Clients that don't say who they are: how long they may stay, and how little they can make us keep."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fullduplex.auth import Tickets, bearer_auth, bearer_subprotocols, first_message_auth
from fullduplex.emitter import WebSocketServer

from ..protocol.wire import BINARY, KEY, RSV1, TEXT, frame
from .memory import bomb, growth_within
from .targets import HOST, Target, attacker, serving, until

DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate")


def masked(opcode: int, payload: bytes = b"", **options: Any) -> bytes:
    """Return a frame as a client sends it."""
    return frame(opcode, payload, key=KEY, **options)


@contextlib.asynccontextmanager
async def guarded(face: str, check: Any, **options: Any) -> AsyncIterator[Target]:
    """Serve on a face those whom a check knows by their first message, and close at once."""

    async def leave(connection: Any, *request: Any) -> None:
        connection.start_close(1000)

    handler = first_message_auth(leave, check, **options)
    if face == "coroutines":
        async with serving(face, handler=handler, compression="deflate", close_timeout=0.1) as target:
            yield target
        return
    async with WebSocketServer(host=HOST, port=0, perMessageDeflate=True, close_timeout=0.1) as events:
        events.on("connection", handler)
        assert events._server is not None
        yield Target(events._server, received=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("size, code", [(4096, 1000), (4097, 1009)])
async def test_first_messages_have_limit(size: int, code: int, face: str) -> None:
    """A first message as large as allowed is read, and one more byte is too much."""
    async with guarded(face, lambda text: "anyone") as target, attacker(target) as enemy:
        await enemy.open()
        await enemy.send(masked(TEXT, b"x" * size))
        assert await enemy.code_at_the_end() == code


async def test_first_messages_have_deadline(face: str) -> None:
    """Whoever doesn't finish the first message in time is closed, though the first half came at once."""
    async with guarded(face, lambda text: "anyone", timeout=0.1) as target, attacker(target) as enemy:
        await enemy.open()
        await enemy.send(masked(TEXT, b"x", fin=False))
        assert await enemy.code_at_the_end() == 3008


@pytest.mark.parametrize("rsv, payload", [(0, bytes(2**20)), (RSV1, bomb(2**20))], ids=["plain", "bomb"])
async def test_first_messages_cost_little(rsv: int, payload: bytes) -> None:
    """Whatever a stranger sends is refused at its first piece, long before it is a message."""
    async with guarded("coroutines", lambda text: "anyone") as target, attacker(target) as enemy:
        await enemy.open(DEFLATE)
        data = masked(TEXT, payload, rsv=rsv)
        with growth_within(2**19):
            sending = asyncio.create_task(enemy.send(data))
            assert await enemy.code_at_the_end() == 1009
            await sending


async def test_strangers_wait_unread(face: str) -> None:
    """What a client sends while it is asked who it is stays with it."""
    asked, known = asyncio.Event(), asyncio.Event()

    async def ponder(text: str) -> str:
        asked.set()
        await known.wait()
        return text

    async with guarded(face, ponder) as target, attacker(target, window=65_536) as enemy:
        await enemy.open()
        await enemy.send(masked(TEXT, b"ann"))
        await asked.wait()
        flood = [masked(BINARY, bytes(60_000))] * 500
        with growth_within(2**19):
            sending = asyncio.create_task(enemy.send(*flood))
            [connection] = target.server.connections
            await until(lambda: connection._is_transport_paused)
        known.set()
        assert await enemy.code_at_the_end() == 1000
        await sending


def test_tickets_cost_little() -> None:
    """A flood of tickets costs what the capacity says: a third of a kilobyte each."""
    tickets: Tickets[str] = Tickets(capacity=1000)
    with growth_within(1000 * 320):
        for _ in range(5000):
            tickets.issue("ann")


@pytest.mark.parametrize("size, status", [(8192, 101), (8196, 431)])
async def test_tokens_have_limit(size: int, status: int, face: str) -> None:
    """A token is as long as a line of the request may be."""
    line = len("Sec-WebSocket-Protocol: bearer, bearer.")
    subprotocols = ", ".join(bearer_subprotocols("x" * ((size - line) * 3 // 4)))
    auth = bearer_auth(lambda token: token)
    async with serving(face, process_request=auth) as target, attacker(target) as enemy:
        response = await enemy.open(("Sec-WebSocket-Protocol", subprotocols))
        assert response.startswith(b"HTTP/1.1 %d " % status)
