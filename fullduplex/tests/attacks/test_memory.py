"""Peers that want our memory: whatever they send or leave unread, what it costs is bounded.

The bytes of an attack are made before it begins, and the attacker reads and
writes by the system's calls alone, so that what is measured is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tracemalloc
import zlib
from typing import Any

import pytest

from fullduplex import PerMessageDeflateFactory
from fullduplex.aio.connection import ServerConnection
from fullduplex.exceptions import ConnectionClosedError
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.server import ServerConnection as ServerProtocol
from fullduplex.protocol.states import State
from fullduplex.transport.streams import READ_SIZE

from ..protocol.wire import BINARY, CONTINUATION, PING, RSV1, TEXT, frame, upgrade_request
from .memory import bomb, growth_within
from .targets import attacker, serving, under_attack, until

# Where the loop's buffers are Python's, so that they are measured too.
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

#: The largest message, where that is the limit.
LIMIT = 2**18
DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")


def masked(opcode: int, payload: bytes = b"", **options: Any) -> bytes:
    """Return a frame as a client sends it."""
    return frame(opcode, payload, key=bytes(4), **options)


def in_fragments(payload: bytes, size: int, rsv: int = 0) -> list[bytes]:
    """Cut a payload into the fragments of a message, without its end."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    return [
        masked(CONTINUATION if at else BINARY, part, fin=False, rsv=0 if at else rsv)
        for at, part in enumerate(parts)
    ]


# Each row: what begins a message, and what is sent of it over and over.

ENDLESS = {
    "fragments": (masked(BINARY, fin=False), masked(CONTINUATION, bytes(1000), fin=False) * 60),
    "tiny fragments": (masked(BINARY, fin=False), masked(CONTINUATION, b"x", fin=False) * 3000),
    "empty fragments": (masked(BINARY, fin=False), masked(CONTINUATION, fin=False) * 3000),
    "fragments of text": (
        masked(TEXT, fin=False),
        masked(CONTINUATION, "é".encode() * 500, fin=False) * 60,
    ),
    "length of 1 GiB": (masked(BINARY, length=2**30), bytes(60_000)),
    "length of 2^62": (masked(BINARY, length=2**62), bytes(60_000)),
    "fragment of 1 GiB": (
        masked(BINARY, bytes(1000), fin=False) + masked(CONTINUATION, length=2**30),
        b"",
    ),
    "pings in a message": (
        masked(BINARY, bytes(LIMIT), fin=False),
        (masked(PING, bytes(125)) + masked(CONTINUATION, b"", fin=False)) * 400,
    ),
}

BOMBS = {
    "one message": [masked(BINARY, bomb(2**26), rsv=RSV1)],
    "fragments": in_fragments(bomb(2**26), 1000, RSV1),
    "tiny fragments": in_fragments(bomb(2**24), 16, RSV1),
    "text": [masked(TEXT, bomb(2**26), rsv=RSV1)],
    "many messages": [masked(BINARY, bomb(LIMIT), rsv=RSV1) * 100, masked(BINARY, bomb(2**26), rsv=RSV1)],
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_endless_messages_are_bounded(name: str, face: str) -> None:
    """A message without an end costs no more than four times its limit."""
    first, more = ENDLESS[name]
    limits = Limits(fragments=5000, control_rate=None)
    async with under_attack(face, max_size=LIMIT, limits=limits) as target, attacker(target) as enemy:
        await enemy.open()
        with growth_within(4 * LIMIT):
            await enemy.send(first, *[more] * 50)
            assert await enemy.code_at_the_end() == 1009


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_are_bounded(name: str, face: str) -> None:
    """A message that inflates to 64 MiB costs no more than four times its limit."""
    # The contexts of zlib-ng, where it is installed, would take another 200 KiB.
    compression = PerMessageDeflateFactory(zlib=zlib)
    async with (
        under_attack(face, max_size=LIMIT, read_limit=LIMIT, compression=compression) as target,
        attacker(target) as enemy,
    ):
        await enemy.open(DEFLATE)
        with growth_within(4 * LIMIT):
            sending = asyncio.create_task(enemy.send(*BOMBS[name]))
            assert await enemy.code_at_the_end() == 1009
            await sending


async def test_wide_text_is_bounded() -> None:
    """A text that Python keeps with four bytes a character costs no more than twice that."""
    data = masked(TEXT, "\N{GRINNING FACE}".encode() + b"x" * (LIMIT - 4))
    arrived = asyncio.Event()

    async def take(connection: ServerConnection) -> None:
        await connection.recv()
        arrived.set()

    async with (
        serving("coroutines", max_size=LIMIT, handler=take) as target,
        attacker(target) as enemy,
    ):
        await enemy.open()
        with growth_within(2 * 4 * LIMIT):
            await enemy.send(data)
            await arrived.wait()


@pytest.mark.parametrize("length", [2**30, 2**62])
async def test_claimed_length_takes_nothing(length: int, face: str) -> None:
    """Without a limit, a length is believed and nothing set aside for it: only what came is kept."""
    async with under_attack(face, max_size=None) as target, attacker(target) as enemy:
        await enemy.open()
        with growth_within(4 * 60_000):
            await enemy.send(masked(BINARY, length=length) + bytes(50_000))
            [connection] = target.server.connections
            await until(lambda: connection.codec.bytes_assembled == 50_000)
        enemy.reset()


async def test_tiny_reads_are_bounded() -> None:
    """A frame that comes in reads of one byte costs no more than four times its size."""
    size = 2**14
    data = [bytes([byte]) for byte in upgrade_request() + masked(BINARY, bytes(size))[:-1]]
    server = ServerProtocol()
    with growth_within(4 * size):
        for byte in data:
            for event in server.receive(byte):
                server.send_response(server.accept(event))
                server.data_to_send()
    assert server.bytes_assembled == size - 1


# Each row: what is sent over and over by a peer that reads nothing of what it is answered.

UNREAD = {
    "messages": masked(BINARY, bytes(1000)) * 60,
    "large messages": masked(BINARY, bytes(20_000)) * 3,
    "empty messages": masked(BINARY) * 1500,
    "empty texts": masked(TEXT) * 1500,
    "pings": masked(PING, bytes(125)) * 400,
    "empty pings": masked(PING) * 1500,
    "pings and messages": (masked(PING, bytes(125)) + masked(BINARY, bytes(1000))) * 50,
}


@pytest.mark.parametrize("name", UNREAD)
async def test_unread_answers_are_bounded(name: str, face: str) -> None:
    """What a peer doesn't take, and what it goes on sending, stay within four times what may wait."""
    # Each way: what isn't taken, and what isn't received, of which one read is kept in any case.
    waits = READ_SIZE
    limits = Limits(control_rate=None)
    options = {"write_limit": waits, "read_limit": waits, "max_size": waits, "limits": limits}
    async with under_attack(face, **options) as target, attacker(target, window=4096) as enemy:
        await enemy.open()
        [connection] = target.server.connections
        # What the system takes is none of our memory, and the less it takes the sooner we notice.
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with growth_within(4 * 2 * waits):
            sending = asyncio.create_task(enemy.send(*[UNREAD[name]] * 15))
            await until(lambda: sending.done() or connection.is_reading_paused)
            for _ in range(200):
                await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])
        enemy.reset()


async def test_waiting_sender_is_bounded() -> None:
    """A program that sends without end, and waits as ``send`` does, costs four times the write limit."""
    waits = 2**17
    blocked = asyncio.Event()

    async def flood(connection: ServerConnection) -> None:
        connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.writing_paused = blocked.set  # type: ignore[method-assign]
        message = bytes(10_000)
        while True:
            await connection.send(message)

    async with (
        serving("coroutines", handler=flood, write_limit=waits) as target,
        attacker(target, window=4096) as enemy,
    ):
        with growth_within(4 * waits):
            await enemy.open()
            await blocked.wait()
            for _ in range(100):
                await asyncio.sleep(0)
        enemy.reset()


async def test_unwaiting_sender_is_bounded(face: str) -> None:
    """A program that sends without end, and never waits, is cut at the buffer limit."""
    waits = 2**18
    message = bytes(10_000)
    async with under_attack(face, buffer_limit=waits) as target, attacker(target, window=4096) as enemy:
        await enemy.open()
        [connection] = target.server.connections
        with growth_within(4 * waits), contextlib.suppress(ConnectionClosedError):
            for _ in range(1_000_000):
                connection.send_message(Opcode.BINARY, message)
                await asyncio.sleep(0)
        assert connection.state is State.CLOSED
        assert connection.buffered_amount == 0


async def test_open_handshakes_are_bounded(face: str) -> None:
    """A hundred peers that never finish their request cost four times what their heads may have, at most."""
    limits, count = Limits(), 100
    begun = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: " % line + b"y" * 8000 + b"\r\n" for line in range(4))
    begun = begun[: limits.head]
    async with under_attack(face) as target, contextlib.AsyncExitStack() as stack:
        enemies = [await stack.enter_async_context(attacker(target)) for _ in range(count)]
        await until(lambda: len(target.server._opening) == count)
        with growth_within(4 * count * limits.head):
            for enemy in enemies:
                await enemy.send(begun)
            heads = [connection.codec._head for connection in target.server._opening]
            await until(lambda: all(len(head._buffer) == len(begun) for head in heads))


async def test_unanswered_close_is_bounded(face: str) -> None:
    """A peer that answers our Close frame by megabytes of messages, until it is cut, costs little."""
    async with under_attack(face, close_timeout=0.2, read_limit=LIMIT) as target, attacker(target) as enemy:
        await enemy.open()
        [connection] = target.server.connections
        flood = [masked(BINARY, bytes(60_000))] * 50
        with growth_within(4 * LIMIT):
            connection.start_close()
            while target.server._open:
                await enemy.send(*flood)


@pytest.mark.parametrize("data", [masked(PING, bytes(125)) * 400, masked(BINARY, bytes(1000)) * 50])
async def test_answers_leave_nothing(data: bytes, face: str) -> None:
    """Megabytes of pings or messages that were answered leave nothing behind."""
    async with (
        under_attack(face, limits=Limits(control_rate=None)) as target,
        attacker(target) as enemy,
    ):
        await enemy.open()
        await enemy.send(data + masked(TEXT, b"first"))
        await enemy.hear(b"first")
        with growth_within(2**19):
            for _ in range(20):
                await enemy.send(data + masked(TEXT, b"again"))
                await enemy.hear(b"again")
            left, _ = tracemalloc.get_traced_memory()
    # Of thousands, one object each would be more.
    assert left < 2**17
