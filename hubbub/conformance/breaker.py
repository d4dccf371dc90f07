"""A proxy that breaks a rule on purpose, to show that the suite sees it.

    breaker.py ws://localhost:8000 --way drop

It stands between clients and a server that keeps the rules, and changes what one says to the other; each way
is in `ways`.  It says where it listens, which is on this machine only; guests come in by the server itself.

Invariant: what a way doesn't touch goes through as it came, and in its order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from stage import LARGEST, dial, websocket_address
from ways import WAYS, Ends, Frame, Way

from fullduplex import Connection, ConnectionClosed, ServerConnection, serve
from hubbub import wire

Change = Callable[[Ends, Frame], list[Frame]]


@asynccontextmanager
async def breaking(address: str, way: Way) -> AsyncIterator[str]:
    """Stand before the server at this address as long as the context lasts; it gives the proxy's own."""

    async def carry(client: ServerConnection) -> None:
        async with dial(websocket_address(address)) as server:
            await _carry_both(Ends(client, server), way)

    async with serve(
        carry,
        "127.0.0.1",
        0,
        subprotocols=[wire.SUBPROTOCOL],
        max_size=LARGEST,
        compression=None,
        ping_interval=None,
        close_timeout=1.0,
    ) as listening:
        yield f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def _carry_both(ends: Ends, way: Way) -> None:
    """Pass on what is said until the server has gone; then the client is cut off, as the way has it."""
    up = asyncio.create_task(_carry_up(ends, way))
    try:
        await _carry(ends, ends.server, ends.client, way.said)
        closed = ends.server.close_code
        if closed is not None and closed != 1006:
            await ends.client.close(*way.closing(closed, ends.server.close_reason or ""))
    finally:
        up.cancel()


async def _carry_up(ends: Ends, way: Way) -> None:
    await _carry(ends, ends.client, ends.server, way.asked)
    await ends.server.close()


async def _carry(ends: Ends, source: Connection, target: Connection, change: Change) -> None:
    with suppress(ConnectionClosed):
        while True:
            for message in _changed(ends, await source.recv(), change):
                await target.send(message)


def _changed(ends: Ends, message: str | bytes, change: Change) -> list[str | bytes]:
    """Return what goes on in place of a message; one that is no object goes on as it is."""
    try:
        frame = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        return [message]
    if not isinstance(frame, dict):
        return [message]
    before = json.dumps(frame)
    after = [json.dumps(each) for each in change(ends, frame)]
    return [message if each == before else each for each in after]


async def main() -> None:
    """Break what the command line asks for, until it is interrupted."""
    parser = argparse.ArgumentParser(description="Break a rule of hubbub.v1 on purpose.")
    parser.add_argument("address", help="where a server is that keeps them, such as ws://localhost:8000")
    parser.add_argument("--way", choices=WAYS, default="nothing", help="what is done wrong")
    options = parser.parse_args()
    async with breaking(options.address, WAYS[options.way]()) as address:
        print(f"{address} breaks {WAYS[options.way].rule or 'nothing'}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
