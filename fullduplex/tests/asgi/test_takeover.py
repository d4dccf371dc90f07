"""What uvicorn's HTTP protocols leave undone when they give a connection away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from fullduplex.aio.server import serve
from fullduplex.asgi import http as handed_over
from fullduplex.asgi.takeover import _early_data
from fullduplex.protocol.frames import Opcode

from ..aio.ends import REQUEST, client_frame, echo, plain_client
from ..observe.notes import Notes
from .programs import Program, real, running

pytestmark = real

GET = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
#: Of an answer, which is more than what waits on its way.
SIZE, PARTS = 13_000_000, 200
HELLO = client_frame(Opcode.TEXT, b"hello")
CLOSE = client_frame(Opcode.CLOSE, b"\x03\xe8")


class Both(Program):
    """Echoes as a WebSocket; as HTTP it begins its answer, and goes on once it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.left = asyncio.Event()
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, or one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        await receive()
        headers = [(b"content-length", str(SIZE).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self.begun.set()
        if scope["path"] == "/waiting":
            assert (await receive())["type"] == "http.disconnect"
            self.left.set()
            return
        await self.release.wait()
        while self.sent < PARTS:
            self.sent += 1
            part = b"x" * (SIZE // PARTS)
            await send({"type": "http.response.body", "body": part, "more_body": self.sent < PARTS})
        self.sent = 0


async def answered(reader: asyncio.StreamReader) -> None:
    """Read the answer to a request."""
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert await reader.readexactly(SIZE) == b"x" * SIZE


@pytest.fixture(params=["bridge", "one port"])
def face(request: pytest.FixtureRequest) -> str:
    """Whether uvicorn listens, or our server."""
    name: str = request.param
    return name


@contextlib.asynccontextmanager
async def serving(program: Program, face: str, implementation: str) -> AsyncIterator[Any]:
    """Serve a program as HTTP, and an echo as a WebSocket."""
    if face == "bridge":
        async with running(program, http=implementation) as server:
            yield server
    else:
        async with serve(echo, "localhost", 0, http=handed_over(program, http=implementation)) as server:
            yield server


async def test_early_frames_are_read(face: str, implementation: str) -> None:
    """Frames that come in one piece with the request, of whatever size, aren't lost."""
    program = Both()
    program.release.set()
    async with serving(program, face, implementation) as server:
        for early in (b"", HELLO[:1], HELLO[:-1], HELLO, HELLO + CLOSE[:3]):
            async with plain_client(server) as (reader, writer):
                # Our server asks uvicorn's protocol only once it has the connection.
                writer.write(GET)
                await answered(reader)
                writer.write(REQUEST + b"\r\n" + early)
                assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
                writer.write(HELLO[len(early) :])
                assert await reader.readexactly(7) == b"\x81\x05hello"
                writer.write(CLOSE[max(len(early) - len(HELLO), 0) :])
                assert await reader.read() == b"\x88\x02\x03\xe8"


async def test_early_bytes_harm_nobody(face: str, implementation: str) -> None:
    """What comes behind a request that is refused is no concern of anybody's."""
    program = Both()
    program.release.set()
    async with serving(program, face, implementation) as server, plain_client(server) as (reader, writer):
        writer.write(GET)
        await answered(reader)
        writer.write(REQUEST.replace(b"Version: 13", b"Version: 8") + b"\r\n" + HELLO)
        assert (await reader.read()).startswith(b"HTTP/1.1 426 ")


async def test_answers_keep_their_order(face: str, implementation: str) -> None:
    """A WebSocket that is asked for before an answer is out doesn't get in its way, however slow the client.

    Either it is opened afterwards, or the connection ends.
    """
    program = Both()
    async with serving(program, face, implementation) as server, plain_client(server) as (reader, writer):
        writer.write(GET)
        await program.begun.wait()
        writer.write(REQUEST + b"\r\n" + HELLO)
        await turns()
        program.release.set()
        await turns()
        assert 0 < program.sent < PARTS
        await answered(reader)
        if implementation == "h11":
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(7) == b"\x81\x05hello"
        else:
            assert await reader.read() == b""


async def test_refusal_is_told_at_once() -> None:
    """A WebSocket that doesn't open for unanswered requests isn't waited for, nor kept."""
    notes, program = Notes(), Both()
    http = handed_over(program, http="httptools")
    async with (
        serve(echo, "localhost", 0, http=http, observer=notes) as server,
        plain_client(server) as (_, writer),
    ):
        writer.write(GET.replace(b"/slow", b"/waiting"))
        await program.begun.wait()
        writer.write(REQUEST + b"\r\n")
        await turns()
        assert notes.names == ["handshake_failed"]
        [connection] = notes.connections
        assert connection._open_timer.cancelled()


async def test_leaving_amid_answers(face: str, implementation: str) -> None:
    """A client that goes away meanwhile is noticed."""
    program = Both()
    async with serving(program, face, implementation) as server, plain_client(server) as (_, writer):
        writer.write(GET.replace(b"/slow", b"/waiting"))
        await program.begun.wait()
        if implementation == "httptools":
            # That with h11 reads no further than this.
            writer.write(REQUEST + b"\r\n" + HELLO)
            await turns()
        writer.transport.abort()
        async with asyncio.timeout(60):
            await program.left.wait()

    assert program.scopes == []


async def turns() -> None:
    """Let everything happen that can happen by itself."""
    for _ in range(1000):
        await asyncio.sleep(0)


async def test_silence_is_no_data() -> None:
    """An HTTP implementation that tells nothing of what came early has nothing of it."""
    assert _early_data(SimpleNamespace(conn=object())) == b""
