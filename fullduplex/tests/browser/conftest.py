"""The server that the tests of the browser's face talk with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from fullduplex import serve

from ..aio.ends import obey
from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Any]:
    """A server that echoes, and closes as a message says: "close 4001 why"."""

    async def converse(connection: Any) -> None:
        server.arrived.put_nowait(connection)
        await obey(connection)

    async with serve(converse, "localhost", 0) as server:
        server.arrived = asyncio.Queue()
        server.url = f"ws://localhost:{server.sockets[0].getsockname()[1]}/"
        yield server
