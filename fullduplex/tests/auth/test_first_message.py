"""The first message: who is let in by it, what others are told, and how little is kept of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fullduplex.aio.client import connect
from fullduplex.auth.first_message import first_message_auth
from fullduplex.emitter import WebSocketServer
from fullduplex.exceptions import ConnectionClosed
from fullduplex.protocol.frames import Opcode
from fullduplex.testing import connection_pair

from .ends import know, know_later

virtual = pytest.mark.asyncio(loop_factories=["virtual"])


async def echo(connection: Any) -> None:
    """Say who has come in, and send every message back."""
    await connection.send(connection.user)
    async for message in connection:
        await connection.send(message)


@contextlib.asynccontextmanager
async def talking(face: str, check: Any = know, **options: Any) -> AsyncIterator[Any]:
    """Give a client of a server that echoes to those it knows by their first message."""
    if face == "coroutines":
        async with connection_pair(first_message_auth(echo, check, **options)) as pair:
            yield pair.client
        return

    def greet(ws: Any, request: Any) -> None:
        ws.send(ws.user)
        ws.on("message", lambda data, is_binary: ws.send(data))

    server = WebSocketServer(host="localhost", port=0)
    server.on("connection", first_message_auth(greet, check, **options))
    async with server, connect(f"ws://localhost:{server.address()[1]}") as client:
        yield client


async def closing(client: Any) -> tuple[int, str]:
    """Return the code and reason with which a connection is closed, before any message."""
    with pytest.raises(ConnectionClosed):
        await client.recv()
    return client.close_code, client.close_reason


@pytest.mark.parametrize("check", [know, know_later])
async def test_known_are_let_in(check: Any, face: str) -> None:
    """Who says who they are comes in; the program gets what they say after that."""
    async with talking(face, check) as client:
        await client.send("secret")
        assert await client.recv() == "ann"
        await client.send("hello")
        assert await client.recv() == "hello"


async def test_client_neednt_wait(face: str) -> None:
    """What is sent right behind the credentials is kept for the program, in order."""
    async with talking(face, know_later) as client:
        for message in ("secret", "one", b"two", "three" * 5000):
            client.send_nowait(message)
        assert [await client.recv() for _ in range(4)] == ["ann", "one", b"two", "three" * 5000]


async def test_client_may_leave_early(face: str) -> None:
    """Who says all there is to say, and closes, is heard to the end."""
    heard: list[Any] = []

    async def hear(connection: Any, *request: Any) -> None:
        if request:
            connection.on("message", lambda data, is_binary: heard.append(data))
        else:
            heard.extend([message async for message in connection])

    handler: Any = first_message_auth(hear, know_later)
    if face == "coroutines":
        async with connection_pair(handler) as pair:
            for message in ("secret", "one", "two"):
                pair.client.send_nowait(message)
            await pair.client.close()
    else:
        server = WebSocketServer(host="localhost", port=0)
        server.on("connection", handler)
        async with server, connect(f"ws://localhost:{server.address()[1]}") as client:
            for message in ("secret", "one", "two"):
                client.send_nowait(message)
            await client.close()
    assert heard == ["one", "two"]


@pytest.mark.parametrize(
    "message, code, reason",
    [
        ("nobody", 3000, ""),
        ("banned", 3003, ""),
        ("unknown-token", 1011, ""),
        (b"secret", 1003, "the first message must be text"),
        ("x" * 4097, 1009, "the first message is too large"),
        ("密" * 1366, 1009, "the first message is too large"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_others_are_closed(
    message: Any, code: int, reason: str, face: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Anyone else is closed by a code that says why, and no log has what they said."""
    caplog.set_level(logging.INFO)
    async with talking(face) as client:
        await client.send(message)
        assert await closing(client) == (code, reason)

    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == (code == 1011)
    assert "unknown-token" not in caplog.text


async def test_broken_text_is_no_error(face: str, caplog: pytest.LogCaptureFixture) -> None:
    """Who breaks a rule with the first message is told which, and our log of errors is silent."""
    async with talking(face) as client:
        client.send_fragment(Opcode.TEXT, b"secret\xff", fin=False)
        assert await closing(client) == (1007, "text isn't UTF-8: invalid start byte (8.1)")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_size_is_in_bytes(face: str) -> None:
    """The largest message passes, and it is bytes that count."""
    for message in ("x" * 6, "密" * 2, ""):
        async with talking(face, check=lambda text: f"<{text}>", max_size=6) as client:
            await client.send(message)
            assert await client.recv() == f"<{message}>"


@virtual
async def test_silent_are_closed() -> None:
    """Who says nothing in time is closed, though it answers and pings."""
    loop = asyncio.get_running_loop()
    async with talking("coroutines") as client:
        await asyncio.sleep(4)
        await client.ping()
        assert await closing(client) == (3008, "no credentials within 5.0 seconds")
        assert 5 <= loop.time() < 5.1


async def test_silent_listeners_close(face: str) -> None:
    """That is so on both faces; what comes too late is nobody's."""
    async with talking(face, timeout=0.01) as client:
        assert await closing(client) == (3008, "no credentials within 0.01 seconds")


@virtual
async def test_dribbling_is_silent() -> None:
    """The first message must be whole in time."""
    async with talking("coroutines") as client:

        async def dribble() -> Any:
            for character in "secret":
                yield character
                await asyncio.sleep(1)

        with pytest.raises(ConnectionClosed):
            await client.send(dribble())
        assert client.close_code == 3008


@virtual
async def test_later_messages_have_time() -> None:
    """The deadline is the first message's; the check takes its time, and so does the client after it."""

    async def ponder(secret: str) -> str | None:
        await asyncio.sleep(60)
        return know(secret)

    async with talking("coroutines", ponder) as client:
        await client.send("secret")
        assert await client.recv() == "ann"
        await asyncio.sleep(60)
        await client.send("hello")
        assert await client.recv() == "hello"


@virtual
async def test_deadline_may_be_none() -> None:
    """Without a deadline, the client has all the time that keepalive gives it."""
    async with talking("coroutines", timeout=None) as client:
        await asyncio.sleep(3600)
        await client.send("secret")
        assert await client.recv() == "ann"


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_large_message_isnt_kept(compression: str | None) -> None:
    """A message without an end is refused as soon as it is too large, whatever the connection allows."""
    seen: list[Any] = []

    async def serve_nobody(connection: Any) -> None:
        seen.append("a program that should not run")

    auth = first_message_auth(serve_nobody, know, max_size=100)
    async with connection_pair(auth, compression=compression) as pair:

        async def parts() -> Any:
            while True:
                yield "x" * 60

        with pytest.raises(ConnectionClosed):
            await pair.client.send(parts())
        assert pair.client.close_code == 1009
        assert pair.client.close_reason == "the first message is too large"
    assert seen == []


async def test_unknown_arent_listened_to(face: str) -> None:
    """Of who isn't let in nothing more is kept: neither the rest of the message nor what follows it."""
    events: list[int] = []
    server = WebSocketServer(host="localhost", port=0, close_timeout=60)
    server.on("connection", first_message_auth(lambda *arguments: None, know, max_size=100))
    server.on("connection", lambda ws, request: ws.on("message", lambda *details: events.append(1)))
    async with server, connect(f"ws://localhost:{server.address()[1]}", compression=None) as client:
        [ws] = server.clients
        kept = 0
        with contextlib.suppress(ConnectionClosed):
            for number in range(100):
                client.send_fragment(Opcode.BINARY, bytes(10_000), fin=number % 40 == 39)
                await client.drain()
                kept = max(kept, ws.codec.bytes_assembled)
        await client.wait_closed()
    assert (client.close_code, kept, events) == (1003, 0, [])


async def test_cancelled_check_closes(face: str) -> None:
    """A check that ends by a cancellation leaves nobody waiting, on either face."""

    async def wait(secret: str) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with talking(face, wait) as client:
        await client.send("secret")
        assert await closing(client) == (1011, "")


async def test_pieces_count_together(face: str) -> None:
    """A message of many small fragments is as large as all of them."""
    async with talking(face, max_size=100) as client:

        async def parts() -> Any:
            while True:
                yield "x" * 60

        with pytest.raises(ConnectionClosed):
            await client.send(parts())
        assert (client.close_code, client.close_reason) == (1009, "the first message is too large")


async def test_little_is_read_meanwhile() -> None:
    """While the check is asked, a client fills its own buffers, not ours, and is answered its pings."""
    known = asyncio.Event()

    async def wait(secret: str) -> str | None:
        await known.wait()
        return know(secret)

    async with connection_pair(first_message_auth(echo, wait), compression=None) as pair:
        await pair.client.send("secret")
        await (await pair.client.ping())
        pair.to_server.chunk = 65_536
        for _ in range(20):
            pair.client.send_nowait(b"x" * 2**20)
        for _ in range(100):
            await asyncio.sleep(0)
        unread = pair.to_server.get_write_buffer_size() + pair.client.buffered_amount
        known.set()
        assert unread > 19.9 * 2**20
        assert await pair.client.recv() == "ann"
        assert await pair.client.recv() == b"x" * 2**20


async def test_known_clients_are_read() -> None:
    """Whoever was let in is read as far as the options of the server say."""

    async def idle(connection: Any) -> None:
        await connection.send(connection.user)
        await connection.wait_closed()

    async with connection_pair(first_message_auth(idle, know), compression=None) as pair:
        await pair.client.send("secret")
        assert await pair.client.recv() == "ann"
        pair.to_server.chunk = 1000
        for _ in range(10):
            pair.client.send_nowait(b"x" * 10_000)
        for _ in range(200):
            await asyncio.sleep(0)
        assert pair.to_server.get_write_buffer_size() + pair.client.buffered_amount == 0


async def test_lost_clients_are_forgotten(face: str, caplog: pytest.LogCaptureFixture) -> None:
    """A client that is gone before it says who it is is no error, and no program's business."""
    before = asyncio.all_tasks()
    async with talking(face, timeout=None) as client:
        client.abort()
    for _ in range(10):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_gone_listeners_arent_told() -> None:
    """On the event face, a program doesn't get a connection whose "close" it would miss."""
    told: list[Any] = []
    server = WebSocketServer(host="localhost", port=0)
    over = asyncio.Event()

    async def lose(secret: str) -> str:
        [ws] = server.clients
        ws.once("close", lambda code, reason: over.set())
        ws.terminate()
        await over.wait()
        return secret

    server.on("connection", first_message_auth(lambda *arguments: told.append(arguments), lose))
    async with server, connect(f"ws://localhost:{server.address()[1]}") as client:
        await client.send("secret")
        await client.wait_closed()
    assert over.is_set()
    assert told == []
