"""Servers that mean harm, against our client over real sockets: refused or failed, and nothing is left."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fullduplex.aio.client import connect
from fullduplex.exceptions import (
    ConnectionClosedError,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
)
from fullduplex.protocol.limits import Limits

from ..protocol.wire import BINARY, CLOSE, CONTINUATION, KEY, PING, RSV1, RSV2, TEXT, frame, frames
from .memory import bomb, growth_within
from .targets import HOST, Attacker, no_more_than, remains, until

# On other loops a first client has descriptors made that stay.
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])
virtual = pytest.mark.asyncio(loop_factories=["virtual"])

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LIMIT = 2**18

Talk = Callable[[Attacker], Awaitable[None]]


@contextlib.asynccontextmanager
async def malicious(talk: Talk) -> AsyncIterator[str]:
    """Accept one connection and talk on it; give the address, and see that nothing is left at the end."""
    loop = asyncio.get_running_loop()
    before = remains()

    async def serve() -> None:
        sock, _ = await loop.sock_accept(listening)
        with sock:
            sock.setblocking(False)
            await talk(Attacker(sock))

    with socket.create_server((HOST, 0)) as listening:
        listening.setblocking(False)
        serving = asyncio.create_task(serve())
        yield f"ws://{HOST}:{listening.getsockname()[1]}/"
        serving.cancel()
        await asyncio.wait([serving])
    await until(lambda: no_more_than(before))


async def accept_of(server: Attacker) -> bytes:
    """Read a client's request, and return what Sec-WebSocket-Accept must be."""
    request = await server.hear(b"\r\n\r\n")
    match = re.search(rb"Sec-WebSocket-Key: (.*)\r\n", request)
    assert match is not None
    return base64.b64encode(hashlib.sha1(match[1] + GUID).digest())


SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\n"
)
OK = SWITCHING + b"\r\n"


async def accept(server: Attacker, more: bytes = b"") -> None:
    """Open a client's connection as it should be, with more headers."""
    await server.send(SWITCHING % await accept_of(server) + more + b"\r\n")


def with_header(line: bytes) -> bytes:
    """Return a response with one more header."""
    return SWITCHING + line + b"\r\n\r\n"


DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"

# Each row: the response, with %s for the right accept, and what it raises.

RESPONSES = {
    "wrong accept": (OK.replace(b"%s", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=#%.0s"), InvalidHeader),
    "no accept": (OK.replace(b"Sec-WebSocket-Accept", b"X"), InvalidHeader),
    "empty accept": (OK.replace(b"%s", b"%.0s"), InvalidHeader),
    "two accepts": (with_header(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), InvalidHeader),
    "no Upgrade": (OK.replace(b"Upgrade: websocket\r\n", b""), InvalidUpgrade),
    "another Upgrade": (OK.replace(b"websocket", b"h2c"), InvalidUpgrade),
    "no Connection": (OK.replace(b"Connection: Upgrade\r\n", b""), InvalidUpgrade),
    "another Connection": (OK.replace(b"Connection: Upgrade", b"Connection: close"), InvalidUpgrade),
    "a subprotocol that wasn't offered": (with_header(b"Sec-WebSocket-Protocol: admin"), NegotiationError),
    "an extension that wasn't offered": (with_header(b"Sec-WebSocket-Extensions: x-gzip"), NegotiationError),
    "window of 99 bits": (with_header(DEFLATE + b"; server_max_window_bits=99"), NegotiationError),
    "window of 16 bits": (with_header(DEFLATE + b"; client_max_window_bits=16"), NegotiationError),
    "window of 7 bits": (with_header(DEFLATE + b"; server_max_window_bits=7"), NegotiationError),
    "unknown parameter": (with_header(DEFLATE + b"; x=y"), NegotiationError),
    "compression twice": (with_header(DEFLATE + b", permessage-deflate"), NegotiationError),
    "status 200": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: %s\r\n\r\n", InvalidStatus),
    "status 401": (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nX: %s\r\n\r\n", InvalidStatus),
    "HTTP/1.0": (OK.replace(b"HTTP/1.1", b"HTTP/1.0"), InvalidMessage),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00%s\n", InvalidMessage),
    "TLS": (b"\x15\x03\x03\x00\x02\x02\x28%s\n", InvalidMessage),
    "a frame": (b"\x81\x05Hello%s\n", InvalidMessage),
    "folded line": (with_header(b"X: y\r\n z"), InvalidMessage),
    "space before colon": (with_header(b"X : y"), InvalidMessage),
    "NUL": (with_header(b"X: \x00"), InvalidMessage),
    "bare LF": (OK.replace(b"Upgrade: websocket\r\n", b"Upgrade: websocket\n"), InvalidMessage),
    "too many headers": (SWITCHING + b"X: y\r\n" * 130 + b"\r\n", InvalidMessage),
    "too long a header": (SWITCHING + b"X: " + b"y" * 8200 + b"\r\n\r\n", InvalidMessage),
    "nothing": (b"%.0s", InvalidMessage),
    "half a head": (SWITCHING, InvalidMessage),
}


@pytest.mark.parametrize("name", RESPONSES)
async def test_bad_responses_open_nothing(name: str) -> None:
    """Each raises what is wrong with it (4.1)."""
    response, error = RESPONSES[name]

    async def talk(server: Attacker) -> None:
        await server.send(response % await accept_of(server))

    async with malicious(talk) as url:
        with pytest.raises(InvalidHandshake) as raised:
            await connect(url)
        assert isinstance(raised.value, error)


# Each row: frames of a server, and the code that it is told.

FRAMES = {
    "masked": (frame(TEXT, b"Hello", key=KEY), 1002),
    "masked ping": (frame(PING, key=KEY), 1002),
    "RSV1 without agreement": (frame(TEXT, b"Hello", rsv=RSV1), 1002),
    "RSV2": (frame(TEXT, b"Hello", rsv=RSV2), 1002),
    "reserved opcode": (frame(3), 1002),
    "reserved opcode of huge length": (frame(3, length=2**62), 1002),
    "length 2^63": (frame(TEXT, length=2**63), 1002),
    "length 2^63 - 1": (frame(TEXT, length=2**63 - 1), 1009),
    "lengths that overflow": (
        frame(TEXT, b"x", fin=False) + frame(CONTINUATION, length=2**63 - 1),
        1009,
    ),
    "over the limit": (frame(BINARY, length=LIMIT + 1), 1009),
    "endless tiny fragments": (frame(TEXT, fin=False) + frame(CONTINUATION, b"x", fin=False) * 1000, 1009),
    "endless empty fragments": (frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 1000, 1009),
    "long ping": (frame(PING, bytes(126)), 1002),
    "fragmented ping": (frame(PING, fin=False), 1002),
    "stray continuation": (frame(CONTINUATION), 1002),
    "ping flood": (frame(PING) * 20_000, 1008),
    "no UTF-8": (frame(TEXT, b"\xff"), 1007),
    "forbidden close code": (frame(CLOSE, b"\x03\xee"), 1002),
    "close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "HTTP": (b"HTTP/1.1 200 OK\r\n\r\n", 1002),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_bad_frames_fail_connection(name: str) -> None:
    """A server that breaks a rule is told so, in a masked frame, and the program learns of it (7.1.7)."""
    data, code = FRAMES[name]
    said: list[bytes] = []

    async def talk(server: Attacker) -> None:
        await accept(server)
        await server.send(data)
        said.append(await server.hear_all())

    async with malicious(talk) as url:
        connection = await connect(url, max_size=LIMIT, limits=Limits(fragments=100), compression=None)
        with pytest.raises(ConnectionClosedError) as raised:
            await connection.recv()
        assert raised.value.sent is not None
        assert raised.value.sent.code == code
        await connection.wait_closed()
        await until(lambda: bool(said))
        assert frames(said[0], masked=True)[-1].payload[:2] == code.to_bytes(2, "big")


async def test_bomb_fails_connection() -> None:
    """A message that inflates over the limit is 1009, and costs no more than four times the limit."""
    data = frame(BINARY, bomb(2**26), rsv=RSV1)

    async def talk(server: Attacker) -> None:
        await accept(server, DEFLATE + b"\r\n")
        await server.send(data)
        await server.hear_all()

    async with malicious(talk) as url:
        with growth_within(4 * LIMIT):
            connection = await connect(url, max_size=LIMIT)
            with pytest.raises(ConnectionClosedError, match="1009"):
                await connection.recv()


# Each row: what a server says before and what over and over, instead of a head that ends.

ENDLESS_HEADS = {
    "a first line": (b"HTTP/1.1 101 ", b"x" * 60_000),
    "a header": (b"HTTP/1.1 101 OK\r\nX: ", b"x" * 60_000),
    "headers": (b"HTTP/1.1 101 OK\r\n", b"X: y\r\n" * 10_000),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    "a body": (b"HTTP/1.1 404 Not Found\r\n\r\n", b"x" * 60_000),
    "a body of great length": (b"HTTP/1.1 404 No\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 60_000),
    "chunks": (b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
    "one chunk": (b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"x" * 60_000),
}


@pytest.mark.parametrize("name", ENDLESS_HEADS)
async def test_endless_responses_are_bounded(name: str) -> None:
    """A response without an end fails the handshake, and costs no more than four times what may be kept."""
    first, more = ENDLESS_HEADS[name]

    async def talk(server: Attacker) -> None:
        await server.hear(b"\r\n\r\n")
        await server.send(first, *[more] * 100)

    async with malicious(talk) as url:
        with growth_within(4 * (Limits().head + Limits().body)), pytest.raises(InvalidHandshake):
            await connect(url)


@pytest.mark.parametrize(
    "first, more",
    [
        (frame(BINARY, fin=False), frame(CONTINUATION, bytes(1000), fin=False) * 60),
        (frame(TEXT, fin=False), frame(CONTINUATION, fin=False) * 10_000),
        (frame(BINARY, length=2**62), bytes(60_000)),
    ],
    ids=["fragments", "empty fragments", "length of 2^62"],
)
async def test_endless_messages_are_bounded(first: bytes, more: bytes) -> None:
    """A message without an end fails the connection, and costs no more than four times its limit."""

    async def talk(server: Attacker) -> None:
        await accept(server)
        await server.send(first, *[more] * 20)
        await server.hear_all()

    async with malicious(talk) as url:
        with growth_within(4 * LIMIT):
            connection = await connect(url, max_size=LIMIT, limits=Limits(fragments=5000))
            with pytest.raises(ConnectionClosedError, match="1009"):
                await connection.recv()


@pytest.mark.parametrize("data", [frame(PING, bytes(125)) * 400, frame(BINARY, bytes(1000)) * 60])
async def test_floods_are_bounded(data: bytes) -> None:
    """A server that floods, and reads nothing, costs no more than four times what may wait each way."""
    flooded = asyncio.Event()

    async def talk(server: Attacker) -> None:
        await accept(server)
        sending = asyncio.create_task(server.send(*[data] * 30))
        for _ in range(300):
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])
        flooded.set()
        server.reset()

    waits = 2**17
    async with malicious(talk) as url:
        options = {"read_limit": waits, "write_limit": waits, "limits": Limits(control_rate=None)}
        with growth_within(4 * 2 * waits):
            connection = await connect(url, **options)
            await flooded.wait()
        connection.abort()
        await connection.wait_closed()


@virtual
@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 101 Switching Protocols\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
async def test_handshake_has_deadline(answer: bytes) -> None:
    """A server that doesn't answer, or not to the end, or a byte now and then, is given up in time."""

    async def talk(server: Attacker) -> None:
        await server.hear(b"\r\n\r\n")
        for at in range(len(answer)):
            await server.send(answer[at : at + 1])
            await asyncio.sleep(0.1)
        await server.hear_all()

    async with malicious(talk) as url:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await connect(url, open_timeout=7)
        assert asyncio.get_running_loop().time() - begun == pytest.approx(7, abs=0.1)


@virtual
@pytest.mark.parametrize("answers, code", [(False, 1006), (True, 1000)])
async def test_servers_that_stay_are_cut(answers: bool, code: int) -> None:
    """A server that doesn't answer our Close frame, or does and stays, is cut in time (7.1.1)."""

    async def talk(server: Attacker) -> None:
        await accept(server)
        await server.hear(b"\x88")
        await server.send(frame(CLOSE, b"\x03\xe8") if answers else b"")
        await server.hear_all()

    async with malicious(talk) as url:
        connection = await connect(url, close_timeout=5, ping_interval=None)
        begun = asyncio.get_running_loop().time()
        await connection.close()

        assert connection.close_code == code
        assert asyncio.get_running_loop().time() - begun == pytest.approx(5, abs=0.1)
