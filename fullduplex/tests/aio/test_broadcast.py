"""One message to many connections."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from fullduplex.aio.broadcast import broadcast
from fullduplex.testing import connection_pair

pytestmark = pytest.mark.asyncio(loop_factories=["virtual"])


async def test_broadcast_reaches_everyone() -> None:
    """Every connection gets text and binary, in order."""
    async with contextlib.AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(connection_pair()) for _ in range(5)]
        messages: list[Any] = ["发送数据", b"\x00\xff", bytearray(b"bytes"), memoryview(b"view")[1:]]
        for message in messages:
            broadcast([pair.server for pair in pairs], message)

        for pair in pairs:
            assert [await pair.client.recv() for _ in messages] == ["发送数据", b"\x00\xff", b"bytes", b"iew"]


async def test_broadcast_passes_over_closed() -> None:
    """Connections that are closing or closed are passed over, and stop nobody."""
    async with connection_pair() as closed, connection_pair() as closing, connection_pair() as open_one:
        await closed.client.close()
        closing.to_client.stall()
        closing.server.start_close()
        broadcast([closed.server, closing.server, open_one.server], "hello")

        assert await open_one.client.recv() == "hello"


async def test_broadcast_waits_for_nobody() -> None:
    """A peer that doesn't keep up has what it hasn't taken in its own buffer."""
    async with connection_pair(compression=None) as slow, connection_pair(compression=None) as quick:
        slow.to_client.stall()
        for number in range(100):
            broadcast({slow.server, quick.server}, str(number) * 10_000)
            assert await quick.client.recv() == str(number) * 10_000

        assert slow.server.buffered_amount > 1_000_000
        assert quick.server.buffered_amount == 0


@pytest.mark.parametrize("message", [None, 1, ["text"], object()])
async def test_broadcast_checks_type(message: Any) -> None:
    """A message of a wrong type is refused before anybody gets it, even if there is nobody."""
    async with connection_pair() as pair:
        for connections in ([], [pair.server]):
            with pytest.raises(TypeError):
                broadcast(connections, message)
        await pair.server.send("fine")

        assert await asyncio.wait_for(pair.client.recv(), 1) == "fine"
