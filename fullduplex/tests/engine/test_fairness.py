"""How long the engine may hold the loop, and one connection the others: counted in turns and messages."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

from ..transport.test_engine import HELLO, Serving, each_loop, handling, on_loop
from ..transport.twins import Outcome, Peer

#: Messages after which a connection's turn is over.
BATCH = 256
#: Seconds after which a batch is over, whatever it has come to.
BATCH_SECONDS = 0.002


def take(seconds: float) -> None:
    """Keep the processor for some time."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def most_in_a_turn(told: list[Any], count: int) -> int:
    """Wait for so many messages; return how many of them came within one turn of the loop at most."""
    most = before = 0
    while before < count:
        await asyncio.sleep(0)
        most, before = max(most, len(told) - before), len(told)
    return most


@each_loop
def test_flood_leaves_turns_to_loop(loop: str) -> None:
    """Of one connection that floods, the loop's other callbacks wait for no more than two turns' messages."""
    count, told = 5000, list[bytes]()

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            serving.connections[0].on("message", lambda data, _: told.append(data))
            peer.sock.send(HELLO * count)
            # What was kept of one read, and the next read.
            assert await most_in_a_turn(told, count) <= 2 * BATCH

    on_loop(loop, main)


@each_loop
def test_flooded_handler_leaves_turns_to_loop(loop: str) -> None:
    """A handler that always has a message at hand goes on in the loop's next turn, too."""
    count, told = 5000, list[bytes]()

    async def handler(connection: Any) -> None:
        async for message in connection:
            told.append(message)

    async def main() -> None:
        async with handling(handler, max_queue=None) as server:
            peer = Peer(Outcome(), server.sockets[0].getsockname())
            await peer.open()
            peer.sock.send(HELLO * count)
            assert await most_in_a_turn(told, count) <= 2 * BATCH
            peer.sock.close()

    on_loop(loop, main)


@each_loop
def test_many_floods_leave_turns_to_loop(loop: str) -> None:
    """Of many connections that flood, only as many have their turn at once as there is time for."""
    count, each, seconds = 20, 2 * BATCH + 1, 0.00005
    told = list[bytes]()

    async def main() -> None:
        async with Serving() as serving:
            peers = [await serving.peer() for _ in range(count)]

            def message(data: bytes, is_binary: bool) -> None:
                told.append(data)
                take(seconds)

            for connection in serving.connections:
                connection.on("message", message)
            for peer in peers:
                peer.sock.send(HELLO * each)
            # Those that go on, and those that are read: each the last one's messages beyond the time.
            most = 2 * (BATCH + round(BATCH_SECONDS / seconds))
            assert await most_in_a_turn(told, count * each) <= most

    on_loop(loop, main)


@each_loop
def test_floods_leave_turns_to_others(loop: str) -> None:
    """A connection has its turn, however many others always have something to read."""
    floods, told = 20, list[int]()

    async def main() -> None:
        async with Serving() as serving:
            peers = [await serving.peer() for _ in range(floods + 1)]

            def message(number: int, data: bytes, is_binary: bool) -> None:
                told.append(number)
                take(BATCH_SECONDS / 4)
                if number < floods and peers:
                    peers[number].sock.send(HELLO)

            for number, connection in enumerate(serving.connections):
                connection.on("message", functools.partial(message, number))
            for peer in peers:
                peer.sock.send(HELLO)
            # One turn for each would do, if the batches had time for no more.
            for _ in range(2 * floods):
                await asyncio.sleep(0)
                if floods in told:
                    break
            peers.clear()

    on_loop(loop, main)
    assert floods in told
    counts = [told.count(number) for number in range(floods)]
    assert max(counts) - min(counts) <= 2
