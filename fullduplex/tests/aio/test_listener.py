"""The server under serve: an end that leaves nothing behind, and HTTP on the same port."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from fullduplex.aio.client import connect
from fullduplex.aio.connection import ServerConnection
from fullduplex.aio.server import serve
from fullduplex.exceptions import ConnectionClosedError, InvalidStatus, LocalProtocolError
from fullduplex.testing import connection_pair

from .ends import echo, end, plain_client, port_of, url_of

virtual = pytest.mark.asyncio(loop_factories=["virtual"])


async def idle(connection: ServerConnection) -> None:
    """Do nothing until the connection is closed."""
    await connection.wait_closed()


# The end.


async def test_close_tells_everyone() -> None:
    """Closing a server closes its connections with 1001; the block waits for that."""
    async with serve(idle, "localhost", 0) as server:
        connections = [await connect(url_of(server)) for _ in range(3)]
    for connection in connections:
        await connection.wait_closed()

    assert [connection.close_code for connection in connections] == [1001] * 3
    assert server.connections == set()


async def test_close_may_say_why() -> None:
    """Code and reason can be chosen, and only the first call counts."""
    server = await serve(idle, "localhost", 0)
    connection = await connect(url_of(server))
    server.close(code=1012, reason="back in a minute")
    server.close(code=4000)
    await asyncio.gather(server.wait_closed(), connection.wait_closed())

    assert (connection.close_code, connection.close_reason) == (1012, "back in a minute")


async def test_wrong_code_closes_nothing() -> None:
    """A code or reason that mustn't be sent is told to the caller, and the server goes on."""
    async with serve(echo, "localhost", 0) as server, connect(url_of(server)) as connection:
        with pytest.raises(LocalProtocolError):
            server.close(code=1006)
        with pytest.raises(LocalProtocolError):
            server.close(reason="x" * 124)
        await connection.send("still here")

        assert await connection.recv() == "still here"


async def test_connections_may_end_themselves() -> None:
    """With ``close_connections=False`` only listening ends; waiting goes on until the last one left."""
    server = await serve(echo, "localhost", 0)
    connection = await connect(url_of(server))
    server.close(close_connections=False)
    waiting = asyncio.create_task(server.wait_closed())
    await connection.send("still here")
    assert await connection.recv() == "still here"
    assert not waiting.done()
    with pytest.raises(OSError):
        await connect(f"ws://localhost:{connection.remote_address[1]}/")
    await connection.close()

    await waiting


async def test_wait_closed_waits_for_handlers() -> None:
    """A handler may finish its work after its connection is closed."""
    finish, finished = asyncio.Event(), []

    async def work(connection: ServerConnection) -> None:
        await connection.wait_closed()
        await finish.wait()
        finished.append(True)

    server = await serve(work, "localhost", 0)
    connection = await connect(url_of(server))
    server.close()
    waiting = [asyncio.create_task(server.wait_closed()) for _ in range(2)]
    await connection.wait_closed()
    assert not any(task.done() for task in waiting)
    waiting[0].cancel()
    finish.set()
    await waiting[1]

    assert finished == [True]


async def test_handshakes_get_503() -> None:
    """A handshake under way when the server closes is refused with 503, and its hook cancelled."""
    asked = asyncio.Event()

    async def never(connection: Any, request: Any) -> None:
        asked.set()
        await asyncio.get_running_loop().create_future()

    async with serve(echo, "localhost", 0, process_request=never) as server:
        connecting = asyncio.ensure_future(connect(url_of(server))._open())
        await asked.wait()
        server.close()
        with pytest.raises(InvalidStatus) as caught:
            await connecting

    assert caught.value.response.status_code == 503
    assert "Retry-After" in caught.value.response.headers
    assert server._tasks == set()


async def test_silent_clients_are_cut() -> None:
    """A client that hasn't asked for anything when the server closes is cut."""
    async with serve(echo, "localhost", 0) as server:
        reader, writer = await asyncio.open_connection("localhost", port_of(server))
        # It was accepted before the next one, which can't open any earlier.
        async with connect(url_of(server)):
            assert len(server._opening) == 1
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    await end(writer)

    assert server._opening == {}


@virtual
async def test_deaf_peers_are_cut() -> None:
    """A peer that takes nothing holds up the end for ``close_timeout`` and no longer; its handler is told."""
    told = asyncio.get_running_loop().create_future()

    async def flood(connection: ServerConnection) -> None:
        try:
            while True:
                await connection.send("x" * 10_000)
        except ConnectionClosedError as error:
            told.set_result(error)

    async with connection_pair(flood, compression=None, close_timeout=7, ping_interval=None) as pair:
        pair.to_client.stall()
        await asyncio.sleep(60)
        assert not told.done()
        begun = asyncio.get_running_loop().time()
        pair.server.server.close()
        await pair.server.server.wait_closed()

        assert asyncio.get_running_loop().time() - begun == pytest.approx(7)
        assert told.done()


async def test_wait_closed_waits_for_close() -> None:
    """Before close was called, it waits; cancelling that closes nothing."""
    async with serve(echo, "localhost", 0) as server:
        waiting = asyncio.create_task(server.wait_closed())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert server.is_serving()


async def test_serving_ends_by_cancelling() -> None:
    """``serve_forever`` closes everything when it is cancelled."""
    server = await serve(idle, "localhost", 0)
    connection = await connect(url_of(server))
    serving = asyncio.create_task(server.serve_forever())
    await asyncio.sleep(0)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    await connection.wait_closed()

    assert connection.close_code == 1001
    assert not server.is_serving()


async def test_serving_ends_by_closing() -> None:
    """``serve_forever`` returns when the server was closed."""
    server = await serve(idle, "localhost", 0)
    async with connect(url_of(server)) as connection:
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        server.close()
        await serving
        await connection.wait_closed()


async def test_server_is_context_too() -> None:
    """A server that was awaited may be used as a context as well."""
    async with await serve(idle, "localhost", 0) as server, connect(url_of(server)):
        pass

    assert not server.is_serving()


# HTTP on the same port.


class Greeting(asyncio.Protocol):
    """Answers whatever it is asked, at once or when its client has said everything."""

    def __init__(self, *, listens: bool = False) -> None:
        self.asked = b""
        self.listens = listens

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self.asked += data
        if not self.listens:
            self.answer()

    def eof_received(self) -> bool:
        """Answer if that isn't done yet."""
        if self.listens:
            asyncio.get_running_loop().call_soon(self.answer)
        return self.listens

    def answer(self) -> None:
        """Say what was heard."""
        self.transport.write(b"you said: " + self.asked)
        self.transport.close()


class Handover:
    """Notes what it is asked for, and when."""

    def __init__(self, *, listens: bool = False) -> None:
        self.done: list[str] = []
        self.listens = listens

    async def startup(self, create_protocol: Any) -> None:
        """Note it."""
        self.done.append("startup")

    def create_protocol(self) -> asyncio.Protocol:
        """Note it."""
        self.done.append("protocol")
        return Greeting(listens=self.listens)

    async def shutdown(self) -> None:
        """Note it."""
        self.done.append("shutdown")


async def test_http_is_handed_over() -> None:
    """What doesn't ask for a WebSocket goes to the other protocol with every byte; the rest stays ours."""
    handover = Handover()
    async with serve(echo, "localhost", 0, http=handover) as server:
        for said in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody", b"nonsense\r\n\r\n"):
            async with plain_client(server) as (reader, writer):
                writer.write(said[:10])
                await asyncio.sleep(0)
                writer.write(said[10:])
                assert await reader.read() == b"you said: " + said
        async with connect(url_of(server)) as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"

    assert handover.done == ["startup", "protocol", "protocol", "shutdown"]


async def test_http_may_be_half_closed() -> None:
    """The other protocol hears that its client has said everything, and may answer after that."""
    handover = Handover(listens=True)
    async with serve(echo, "localhost", 0, http=handover) as server, plain_client(server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0)
        writer.write(b"more")
        writer.write_eof()
        assert await reader.read() == b"you said: GET / HTTP/1.1\r\nHost: x\r\n\r\nmore"


async def test_failed_listening_shuts_http() -> None:
    """If the port is taken, what was started up is shut down again."""
    handover = Handover()
    async with serve(echo, "localhost", 0) as server:
        with pytest.raises(OSError):
            await serve(echo, "localhost", port_of(server), http=handover)

    assert handover.done == ["startup", "shutdown"]


@pytest.mark.parametrize("hook", ["process_request", "process_response", "select_subprotocol", None])
async def test_hooks_share_task(hook: str | None) -> None:
    """A hook and the handler run in one task, with one context."""
    tasks: list[asyncio.Task[None] | None] = []

    def note(*_: Any) -> None:
        tasks.append(asyncio.current_task())

    async def handle(connection: ServerConnection) -> None:
        note()

    options: dict[str, Any] = {} if hook is None else {hook: note}
    async with serve(handle, "localhost", 0, **options) as server, connect(url_of(server)) as connection:
        await connection.wait_closed()

    assert len(tasks) == (1 if hook is None else 2)
    assert len(set(tasks)) == 1
    assert tasks[0] is not None


async def test_late_connection_is_cut() -> None:
    """A connection that comes when the server is closed already is cut as soon as it is there."""
    async with serve(echo, "localhost", 0, open_timeout=None) as server:
        pass
    listener = await asyncio.get_running_loop().create_server(server.create_protocol, "localhost", 0)
    async with plain_client(listener) as (reader, _):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    listener.close()
