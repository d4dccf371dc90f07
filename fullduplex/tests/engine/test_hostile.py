"""What hardly anybody would do to the engine, and what must not harm its memory nevertheless."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import os
import tempfile
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ..aio.certificate import contexts, make_certificate
from ..transport.test_engine import HELLO, Serving, each_loop, frame, handling, on_loop
from ..transport.twins import Outcome, Peer, build
from .test_safety import epolls, handled

#: What a message that is deflated ends with, and what isn't sent (RFC 7692, 7.2.1).
TAIL = b"\x00\x00\xff\xff"


def open_numbers() -> set[int]:
    """Return the descriptors that are open, but for the one that tells which are."""
    return {int(name) for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")}


def test_data_is_given_for_one_call() -> None:
    """Who keeps what the protocol is given finds that it has been released, not others' memory."""
    kept: list[memoryview] = []

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            serving.connections[0].data_received = kept.append
            await peer.write(frame(0x89, b"?"))

    asyncio.run(main())
    with pytest.raises(ValueError, match="released"):
        kept[0].tobytes()


@each_loop
@pytest.mark.parametrize("waits", [False, True])
def test_interrupted_protocol_keeps_its_own(loop: str, waits: bool) -> None:
    """What a listener's exception leaves unread is the connection's, whatever others send later."""
    rest = frame(0x82, b"mine" * 1000)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with Serving() as serving:
            peer, other = await serving.peer(), await serving.peer()
            connection = serving.connections[0]

            def message(data: bytes, is_binary: bool) -> None:
                if data == b"hello":
                    connection.pause()
                    connection.loop.call_soon(connection.resume)
                else:
                    raise asyncio.CancelledError

            connection.on("message", message)
            await peer.write(HELLO * waits + frame(0x02, b"in ") + frame(0x80, b"two") + rest)
            await other.write(frame(0x82, b"theirs" * 1000))
            assert connection.codec._frames._buffer == rest

    on_loop(loop, main)


def test_unmade_connections_are_refused() -> None:
    """What isn't a connection, or was never initialised, raises what it does without the engine."""
    used = build(native=True)
    connection = used.ClientConnection.__new__(used.ClientConnection)

    with pytest.raises(AttributeError):
        connection.send_prepared(None)
    with pytest.raises(AttributeError):
        used.broadcast([connection], "all")
    with pytest.raises(AttributeError):
        used.EventWebSocket.send(object(), "text")
    for awaitable in (
        used.ClientConnection.recv(object()),
        used.ClientConnection.__anext__(object()),
        used.ClientConnection.send(object(), "text"),
    ):
        with pytest.raises(AttributeError):
            awaitable.send(None)


@each_loop
@pytest.mark.parametrize("option", ["max_queue", "read_limit", "write_limit"])
def test_marks_may_exceed_machine(loop: str, option: str) -> None:
    """A water mark that nothing can reach is none."""
    sizes = [1, 1, 20_000]

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async def main() -> None:
        async with handled(echo, **{option: 2**70}) as peer:
            await peer.write(b"".join(frame(0x82, bytes(size)) for size in sizes))
            assert [len(payload) for _, payload in peer.outcome.frames] == sizes

    on_loop(loop, main)


def test_socket_is_only_looked_at() -> None:
    """The socket that a program is given can't be closed: its number would be another connection's soon."""

    async def main() -> None:
        async with Serving() as serving:
            await serving.peer()
            sock = serving.connections[0].get_extra_info("socket")
            assert not hasattr(sock, "close")
            assert not hasattr(sock, "detach")

    asyncio.run(main())


@each_loop
def test_reused_descriptor_is_not_mistaken(loop: str) -> None:
    """A connection whose descriptor somebody has closed writes nothing to the one that has the number now."""

    async def main() -> None:
        async with Serving() as serving:
            before = open_numbers()
            peer = await serving.peer()
            (number,) = open_numbers() - before - {peer.sock.fileno()}
            os.close(number)
            peer.sock.close()
            # The first takes the lower of both numbers for itself.
            others = [await serving.peer() for _ in range(2)]
            first, *connections = serving.connections
            fileno = [connection.get_extra_info("socket").fileno() for connection in connections]
            assert number in fileno
            first.send(b"secret")
            first.terminate()
            for other in others:
                await other.settle()
                assert other.outcome.frames == []
            assert first.readyState == first.CLOSED
            for other, connection in zip(others, connections, strict=True):
                connection.on("message", lambda data, _, connection=connection: connection.send(data))
                await other.write(HELLO)
                assert other.outcome.frames == [(0x82, b"hello")]

    on_loop(loop, main)


@each_loop
@pytest.mark.parametrize("count", [2, 300])
def test_loop_may_run_within_listener(loop: str, count: int) -> None:
    """A listener that has the loop go on, as a dialog does, is told of the rest first, and others later."""
    told: list[Any] = []

    async def main() -> None:
        async with Serving() as serving:
            one, other = await serving.peer(), await serving.peer()
            engine = serving.connections[0]._transport.engine

            def message(data: bytes, is_binary: bool) -> None:
                told.append(data)
                if len(told) in (1, count):
                    other.sock.send(frame(0x82, b"other" * 1000))
                    engine.ready()
                    engine.go_on()

            for connection in serving.connections:
                connection.on("message", message)
            await one.write(b"".join(frame(0x82, b"%d" % number) for number in range(count)))
            await other.settle()

    on_loop(loop, main)
    numbers = [data for data in told if not data.startswith(b"other")]
    assert numbers == [b"%d" % number for number in range(count)]
    assert sorted(told)[-2:] == [b"other" * 1000] * 2


def test_callback_may_belong_to_nobody() -> None:
    """A function in C that has no object can be what waits for a message."""
    waiters: list[Any] = []

    async def handler(connection: Any) -> None:
        waiters.append(connection.recv().send(None))
        # It belongs to no object, unlike bound methods, nor to a module.
        waiters[0].add_done_callback(str.maketrans, context=contextvars.copy_context())
        await connection.wait_closed()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with handled(handler) as peer:
            await peer.write(HELLO)

    asyncio.run(main())
    assert waiters[0].done()


def test_abandoned_receiver_is_silent() -> None:
    """A receiving that was begun isn't said to have never been awaited when it is collected."""
    loop = asyncio.new_event_loop()
    connections: list[Any] = []

    async def handler(connection: Any) -> None:
        connections.append(connection)
        await connection.wait_closed()

    async def main() -> None:
        server = await handling(handler)
        peer = Peer(Outcome(), server.sockets[0].getsockname())
        await peer.open()
        await peer.settle()
        receiving = connections[0].recv()
        receiving.send(None)
        held = connections[0].held = SimpleNamespace(receiving=receiving)
        held.itself = held
        peer.sock.close()

    loop.run_until_complete(main())
    loop.close()
    connections.clear()
    del loop
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gc.collect()
    assert [str(one.message) for one in told if one.category is RuntimeWarning] == []


@each_loop
@pytest.mark.parametrize("data", ["text", b"bytes"])
def test_extension_may_keep_its_data(loop: str, data: str | bytes) -> None:
    """What an extension is given is its own, and it may answer with anything that is like bytes."""
    kept: list[Any] = []

    def encode(data: Any, *, ends_message: bool) -> bytearray:
        kept.append(data)
        return bytearray(b"encoded")

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            connection = serving.connections[0]
            connection.codec.extension = SimpleNamespace(
                is_worthwhile=lambda size: True, encode=encode, rsv=0x40
            )
            connection.send(data)
            connection.codec.extension = None
            await peer.settle()
            assert peer.outcome.frames == [(0xC1 if data == "text" else 0xC2, b"encoded")]

    on_loop(loop, main)
    assert kept == [data if isinstance(data, bytes) else data.encode()]
    assert type(kept[0]) is bytes


def test_failed_move_leaves_nothing() -> None:
    """A transport whose socket the system can't watch isn't moved, and nothing is left of the attempt."""

    async def main() -> None:
        before = epolls()
        connection = SimpleNamespace(loop=asyncio.get_running_loop())
        with tempfile.TemporaryFile() as file:
            transport = SimpleNamespace(get_extra_info=lambda name: file)
            with pytest.raises(PermissionError):
                build(native=True).engine.move(connection, None, transport, 2, 1, True, False)
        assert epolls() == before

    asyncio.run(main())


@each_loop
def test_compressor_may_give_anything(loop: str) -> None:
    """A module for zlib that gives nothing is an error, both ways, and one that gives bytearrays is fine."""

    async def main() -> None:
        async with Serving(perMessageDeflate={"threshold": 0}) as serving:
            peer = await serving.peer(extensions="permessage-deflate")
            connection = serving.connections[0]
            received: list[bytes] = []
            connection.on("message", lambda data, _: received.append(data))
            extension = connection.codec.extension
            extension._deflate = SimpleNamespace(compress=lambda data: None)
            with pytest.raises(TypeError):
                connection.send(b"hello")
            extension._deflate = SimpleNamespace(compress=bytearray, flush=lambda mode: bytearray(TAIL))
            connection.send(b"hello")
            extension._inflate = SimpleNamespace(decompress=lambda data, size: bytearray(data), eof=False)
            await peer.write(frame(0xC2, b"said"))
            assert (peer.outcome.frames, received) == ([(0xC2, b"hello")], [b"said" + TAIL])
            extension._inflate = SimpleNamespace(decompress=lambda data, size: None, eof=False)
            await peer.write(frame(0xC2, b"said"))
            assert peer.outcome.is_over

    on_loop(loop, main)


def test_other_threads_are_kept_from_reading(tmp_path: Path) -> None:
    """Another thread can't take away what is being read, nor use TLS beside it."""
    used = build(native=True)
    server_context, client_context = contexts(make_certificate(tmp_path))

    async def main() -> None:
        server = used.serve(lambda connection: connection.wait_closed(), "localhost", 0, ssl=server_context)
        async with server as serving:
            port = serving.sockets[0].getsockname()[1]
            async with used.connect(f"wss://localhost:{port}", ssl=client_context, proxy=None) as client:
                assert client.transport_kind == "engine"
                write = functools.partial(client._transport.write, b"?")
                for method in (client.start_streaming, write, client._transport.close):
                    with pytest.raises(RuntimeError, match="call_soon_threadsafe"):
                        await asyncio.to_thread(method)

    asyncio.run(main())
