"""Every limit: what goes exactly to it passes, and one more is refused with its code or status."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from fullduplex.aio.client import connect
from fullduplex.aio.inbox import ENTRY_SIZE
from fullduplex.aio.server import serve
from fullduplex.auth import Tickets, first_message_auth
from fullduplex.emitter import WebSocketServer
from fullduplex.exceptions import ConnectionClosedError
from fullduplex.protocol.limits import Limits
from fullduplex.reconnect import Reconnect
from fullduplex.testing import connection_pair
from fullduplex.transport.connection import Settings

from ..protocol.wire import BINARY, CLOSE, CONTINUATION, KEY, PING, PONG, RSV1, TEXT, frame, upgrade_request
from .targets import attacker, under_attack, until

virtual = pytest.mark.asyncio(loop_factories=["virtual"])

DOCUMENT = Path(__file__).parents[3] / "docs" / "limits.md"
GOOD = upgrade_request()
LINES = GOOD.split(b"\r\n")[:-2]


def masked(opcode: int, payload: bytes = b"", **options: Any) -> bytes:
    """Return a frame as a client sends it."""
    return frame(opcode, payload, key=KEY, **options)


def message(*sizes: int) -> bytes:
    """Return a binary message in fragments of some sizes."""
    last = len(sizes) - 1
    return b"".join(
        masked(CONTINUATION if at else BINARY, bytes(size), fin=at == last) for at, size in enumerate(sizes)
    )


def compressed(size: int) -> bytes:
    """Return a compressed binary message of ``size`` bytes."""
    compressor = zlib.compressobj(wbits=-12)
    payload = compressor.compress(bytes(size)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return masked(BINARY, payload[:-4], rsv=RSV1)


# Each row: the limits, messages that go exactly to them, and one that goes over.

MESSAGES = {
    "message": (Limits(), [message(1000), message(400, 600)], message(1001)),
    "message in fragments": (Limits(), [message(*[100] * 10)], message(*[100] * 10, 1)),
    "message after inflating": (Limits(), [compressed(1000)], compressed(1001)),
    "frame": (Limits(frame=100), [message(100), message(100, 100)], message(101)),
    "frame of a fragment": (Limits(frame=100), [message(50, 100)], message(50, 101)),
    "fragments": (Limits(fragments=10), [message(*[1] * 10)], message(*[1] * 11)),
    "empty fragments": (Limits(fragments=10), [message(*[0] * 9, 1)], message(*[0] * 11)),
}


@pytest.mark.parametrize("name", MESSAGES)
async def test_messages_have_limits(name: str, face: str) -> None:
    """A message that fills its limits is echoed, and the connection then failed for one over them: 1009."""
    limits, fitting, over = MESSAGES[name]
    async with (
        under_attack(face, limits=limits, max_size=1000, compression="deflate") as target,
        attacker(target) as enemy,
    ):
        await enemy.open(("Sec-WebSocket-Extensions", "permessage-deflate"))
        for data in fitting:
            target.received.clear()
            await enemy.send(data)
            await until(lambda: len(target.received) == 1)
        await enemy.send(over)
        assert (await enemy.told())[1] == 1009


HEADS = {
    "request_line": (len(LINES[0]), 414),
    "header_line": (max(map(len, LINES[1:])), 431),
    "headers": (len(LINES) - 1, 431),
    "head": (len(GOOD), 431),
}


@pytest.mark.parametrize("name", HEADS)
async def test_requests_have_limits(name: str, face: str) -> None:
    """A request that fills a limit opens a connection, and one byte or line more is refused."""
    most, status = HEADS[name]
    async with under_attack(face, limits=Limits(**{name: most})) as target, attacker(target) as enemy:
        assert (await enemy.open()).startswith(b"HTTP/1.1 101 ")
        longer = GOOD.replace(b"/chat", b"/chats") if name != "headers" else upgrade_request(("X", "y"))
        if name == "header_line":
            longer = GOOD.replace(b"==\r\n", b"== \r\n")
        async with attacker(target) as other:
            await other.send(longer)
            assert (await other.hear_all()).startswith(b"HTTP/1.1 %d " % status)


# Each row: a limit of a second, what one of it is, and how many of it go at once.

RATES = {
    "control_rate of pings": ({"control_rate": 10}, masked(PING), 10),
    "control_rate of pongs": ({"control_rate": 10}, masked(PONG, b"unasked"), 10),
    "message_rate": ({"message_rate": 10}, message(1), 10),
    "message_rate of fragmented messages": ({"message_rate": 10}, message(1, 1), 10),
    "byte_rate": ({"byte_rate": 100}, message(4), 10),
}


@virtual
@pytest.mark.parametrize("name", RATES)
async def test_rates_have_limits(name: str, face: str) -> None:
    """What a second allows passes, in each second; one more is told 1008."""
    limits, one, most = RATES[name]
    async with under_attack(face, limits=Limits(**limits)) as target, attacker(target) as enemy:
        await enemy.open()
        for _ in range(3):
            await enemy.send(one * most)
            await asyncio.sleep(1)
        assert len(target.server.connections) == 1
        await enemy.send(one * most + masked(PING if one[0] & 8 else TEXT))
        assert (await enemy.told())[1] == 1008


@virtual
@pytest.mark.parametrize("limits", [{"message_rate": 100}, {"byte_rate": 100_000}, {"control_rate": 100}])
async def test_our_own_pause_is_no_haste(limits: dict[str, float]) -> None:
    """What a peer sent slowly while we didn't read isn't held against it when we read it at once."""
    async with connection_pair(server={"limits": Limits(**limits), "max_queue": 4}) as pair:
        for _ in range(10):
            for _ in range(90):
                pair.client.send_nowait(bytes(1000))
                pair.client.send_ping(b"")
            await asyncio.sleep(1)
        assert pair.server.is_reading_paused
        for _ in range(900):
            assert await pair.server.recv() == bytes(1000)
        await pair.client.close()

        assert pair.client.close_code == 1000


@virtual
async def test_streamed_messages_have_limit() -> None:
    """A message that is received in pieces is held to its limit as a whole: 1009."""
    async with connection_pair(server={"max_size": 1000}) as pair:
        for size in (1000, 1001):
            await pair.client.send([bytes(500), bytes(size - 500)])
        assert b"".join([piece async for piece in pair.server.recv_streaming()]) == bytes(1000)
        with pytest.raises(ConnectionClosedError, match="1009"):
            _ = [piece async for piece in pair.server.recv_streaming()]


@virtual
@pytest.mark.parametrize("seconds, opens", [(6.9, True), (7.1, False)])
async def test_handshake_time_is_limited(seconds: float, opens: bool, face: str) -> None:
    """A handshake that is finished within the open time-out opens, a later one doesn't."""
    async with under_attack(face, open_timeout=7) as target, attacker(target) as enemy:
        await enemy.send(GOOD[:-1])
        await asyncio.sleep(seconds)
        await enemy.send(GOOD[-1:])
        await enemy.send(masked(CLOSE))

        assert (await enemy.hear_all()).startswith(b"HTTP/1.1 101 ") is opens


@virtual
@pytest.mark.parametrize("seconds, code", [(4.9, 1000), (5.1, 1006)])
async def test_close_time_is_limited(seconds: float, code: int) -> None:
    """An answer to our Close frame within the close time-out is a clean end, a later one comes too late."""
    async with connection_pair(close_timeout=5) as pair:
        pair.to_client.delay = seconds
        await pair.server.close()

        assert pair.server.close_code == code


@pytest.mark.parametrize("name", ["max_connections", "max_connections_per_host"])
async def test_connections_have_limits(name: str, face: str) -> None:
    """So many connections are open at a time; one more is refused with 503, until one has gone."""
    async with under_attack(face, **{name: 3}) as target, contextlib.AsyncExitStack() as stack:
        enemies = [await stack.enter_async_context(attacker(target)) for _ in range(4)]
        for enemy in enemies[:3]:
            assert (await enemy.open()).startswith(b"HTTP/1.1 101 ")
        refusal = await enemies[3].open()
        assert refusal.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: " in refusal
        enemies[0].reset()
        await until(lambda: len(target.server._open) == 2)

        assert await target.answers()


@virtual
@pytest.mark.parametrize(
    "limit",
    [
        {"max_queue": (4, 1)},
        {"read_limit": (4 * (1000 + ENTRY_SIZE), 1000 + ENTRY_SIZE), "max_queue": None},
    ],
)
async def test_received_messages_have_limits(limit: dict[str, Any]) -> None:
    """Reading goes on below the high-water mark, stops at it, and goes on at the low-water mark."""
    async with connection_pair(server=limit) as pair:
        for count in range(1, 6):
            await pair.client.send(bytes(1000))
            await asyncio.sleep(1)
            assert pair.server.is_reading_paused is (count >= 4)
        for _ in range(3):
            assert pair.server.is_reading_paused
            assert await pair.server.recv() == bytes(1000)
        assert not pair.server.is_reading_paused


@virtual
async def test_sending_waits_at_limit() -> None:
    """Up to the high-water mark ``send`` doesn't wait, beyond it until the low-water mark is reached."""
    async with connection_pair(compression=None, server={"write_limit": (4 * 1004, 1004)}) as pair:
        pair.to_client.stall()
        for _ in range(4):
            await pair.server.send(bytes(1000))
            pair.server.flush()
        assert pair.server.bytes_waiting == 4 * 1004
        fifth = asyncio.create_task(pair.server.send(bytes(1000)))
        await asyncio.sleep(1)
        sixth = asyncio.create_task(pair.server.send(bytes(1000)))
        await asyncio.sleep(1)
        assert not sixth.done()
        pair.to_client.resume()
        await asyncio.gather(fifth, sixth)


@virtual
async def test_unwaited_sending_has_limit() -> None:
    """Who never waits may send up to the buffer limit; the next message cuts the connection."""
    async with connection_pair(
        compression=None, server={"write_limit": 1, "buffer_limit": 10 * 1004}
    ) as pair:
        pair.to_client.stall()
        for _ in range(10):
            pair.server.send_nowait(bytes(1000))
            pair.server.flush()
        assert pair.server.buffered_amount == 10 * 1004
        pair.server.send_nowait(b"")
        pair.server.flush()
        with pytest.raises(ConnectionClosedError):
            pair.server.send_nowait(b"")

        assert pair.server.close_code == 1006
        assert pair.server.buffered_amount == 0


# What is said of them.


def documented() -> dict[str, int | None]:
    """Return the limits that the document names, with their defaults."""
    rows = re.findall(r"^\| `(\w+)` \| (?:`(None)`|([\d,]+)) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return {name: None if none else int(number.replace(",", "")) for name, none, number in rows}


def options_of(function: Any, *names: str) -> dict[str, Any]:
    """Return the defaults of some options."""
    parameters = inspect.signature(function).parameters
    return {name: parameters[name].default for name in names}


WAITING = ("max_queue", "read_limit")
TIMES = ("open_timeout", "ping_interval", "ping_timeout", "close_timeout")
SENDING = ("write_limit", "buffer_limit")
CONNECTIONS = ("max_connections", "max_connections_per_host")


def test_document_tells_defaults() -> None:
    """The document has every limit with the default that it has on each face."""
    told = documented()
    limits = {field.name: field.default for field in dataclasses.fields(Limits)}
    options = options_of(serve, *WAITING, *SENDING, *TIMES, *CONNECTIONS)

    policy = {field.name: field.default for field in dataclasses.fields(Reconnect)}
    kept = {name: policy[name] for name in ("attempts", "outbox", "outbox_size")}
    strangers = {
        **options_of(Tickets, "lifetime", "capacity"),
        **options_of(first_message_auth, "timeout", "max_size"),
    }

    assert told == {**limits, **options, **kept, **strangers}
    assert options_of(connect, *WAITING, *SENDING, *TIMES).items() <= told.items()
    assert options_of(WebSocketServer, *SENDING, *TIMES, *CONNECTIONS).items() <= told.items()
    assert options_of(serve, "max_size") == options_of(connect, "max_size") == {"max_size": told["message"]}
    assert options_of(WebSocketServer, "maxPayload") == {"maxPayload": told["message"]}
    assert {field.name for field in dataclasses.fields(Settings) if field.init} <= told.keys()
