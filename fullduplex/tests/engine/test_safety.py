"""What a program, a peer or the system may do to the engine at a bad moment, without harm."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import socket
import struct
import weakref
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ..attacks.targets import until
from ..loops import LOOPS
from ..transport.test_engine import HELLO, Serving, each_loop, frame, handling, on_loop
from ..transport.twins import Outcome, Peer, build

#: More messages than one connection's turn has.
MANY = 300


@contextlib.asynccontextmanager
async def handled(handler: Callable[[Any], Any], outcome: Outcome | None = None, **options: Any) -> Any:
    """Serve with the asyncio face, and give a peer of one open connection."""
    async with handling(handler, **options) as server:
        peer = Peer(outcome or Outcome(), server.sockets[0].getsockname())
        try:
            await peer.open()
            yield peer
        finally:
            peer.sock.close()


def epolls() -> int:
    """Count the epoll descriptors that this process has open."""
    # Not those of loops that are nobody's any more.
    gc.collect()
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            count += "eventpoll" in os.readlink(f"/proc/self/fd/{name}")
    return count


@contextlib.contextmanager
def descriptors(more: int) -> Iterator[None]:
    """Let this process open so many descriptors more, and no others."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as held:
        # Whatever is free below the highest one is taken first.
        highest = max(map(int, os.listdir("/proc/self/fd")))
        while (taken := os.dup(0)) < highest:
            held.callback(os.close, taken)
        os.close(taken)
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken + more, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@each_loop
@pytest.mark.parametrize("count", [MANY, MANY + 1])
def test_streaming_begins_within_turn(loop: str, count: int) -> None:
    """A task that goes on in the middle of what was kept may ask for the rest in pieces."""
    small, large = b"small", b"x" * 20_000
    outcome = Outcome()

    async def handler(connection: Any) -> None:
        async for message in connection:
            outcome.told.append(message)
            if message == large:
                async for piece in connection.recv_streaming():
                    outcome.told.append(piece)

    async def main() -> None:
        async with handled(handler, outcome, max_queue=1) as peer:
            await peer.write(frame(0x82, small) * count + frame(0x82, large) + frame(0x82, small) * count)

    on_loop(loop, main)
    assert outcome.told == [small] * count + [large] + [small] * count


@each_loop
def test_streaming_takes_what_waits(loop: str) -> None:
    """Who asks for a message in pieces after a pause has those that were read before it at once."""
    received: list[Any] = []

    async def main() -> None:
        asked = asyncio.Event()

        async def handler(connection: Any) -> None:
            await asked.wait()
            received.append(await connection.recv())
            received.append([piece async for piece in connection.recv_streaming()])

        async with handled(handler, max_queue=1) as peer:
            await peer.write(HELLO * 2)
            asked.set()
            await peer.settle()
            assert received == [b"hello", [b"hello"]]

    on_loop(loop, main)


@pytest.mark.parametrize("error", [LookupError, LookupError("why")])
@pytest.mark.parametrize("method", ["send", "recv"])
def test_awaitables_take_thrown_errors(method: str, error: Any) -> None:
    """What is thrown into an awaitable that hasn't begun comes out of it, be it a class or an exception."""
    raised = []

    async def handler(connection: Any) -> None:
        awaitable = connection.send("never") if method == "send" else connection.recv()
        with pytest.raises(LookupError) as caught:
            awaitable.throw(error)
        raised.append(caught.value)
        with pytest.raises(RuntimeError, match="already awaited"):
            await awaitable

    async def main() -> None:
        async with handled(handler) as peer:
            await peer.settle()

    asyncio.run(main())
    assert [type(one) for one in raised] == [LookupError]


def test_cancelling_keeps_its_message() -> None:
    """Who is cancelled in ``recv`` learns with which words."""
    words = []

    async def handler(connection: Any) -> None:
        receiving = asyncio.ensure_future(connection.recv())
        await asyncio.sleep(0)
        receiving.cancel("the words")
        try:
            await receiving
        except asyncio.CancelledError as error:
            words.extend(error.args)

    async def main() -> None:
        async with handled(handler) as peer:
            await peer.settle()

    asyncio.run(main())
    assert words == ["the words"]


@each_loop
def test_limits_may_exceed_machine(loop: str) -> None:
    """A limit that no message can reach is none."""

    async def main() -> None:
        async with Serving(maxPayload=2**64, perMessageDeflate=True) as serving:
            peer = await serving.peer(extensions="permessage-deflate")
            received: list[bytes] = []
            serving.connections[0].on("message", lambda data, _: received.append(data))
            await peer.write(HELLO)
            assert received == [b"hello"]

    on_loop(loop, main)


@each_loop
def test_closed_socket_ends_connection(loop: str) -> None:
    """A connection whose socket somebody else has closed comes to its end when it is cut."""
    ended = []

    async def main() -> None:
        async with Serving() as serving:
            await serving.peer()
            connection = serving.connections[0]
            connection.on("close", lambda code, _: ended.append(code))
            os.close(connection.get_extra_info("socket").fileno())
            connection.terminate()
            for _ in range(3):
                await asyncio.sleep(0)

    with contextlib.suppress(OSError):
        # The socket's object closes a descriptor that isn't there any more.
        on_loop(loop, main)
    assert ended == [1006]


def test_listening_fails_without_descriptors() -> None:
    """A loop whose engine could not be made has one that works, once there are descriptors again."""

    async def main() -> None:
        before = epolls()
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            options = {"compression": None, "sock": listening}
            with descriptors(0), pytest.raises(OSError, match="Too many open files"):
                await build(native=True).serve(lambda connection: None, **options)
        received = []

        async def handler(connection: Any) -> None:
            received.append(await connection.recv())

        async with handled(handler) as peer:
            await peer.write(HELLO)
        assert received == [b"hello"]
        assert epolls() == before

    asyncio.run(main())


def test_last_connection_closes_engine() -> None:
    """The engine's descriptor is there as long as there is a connection or a listener, and then no more."""

    async def main() -> None:
        before = epolls()
        server = handling(lambda connection: connection.wait_closed())
        async with server as serving:
            peer = Peer(Outcome(), serving.sockets[0].getsockname())
            await peer.open()
            serving.close(close_connections=False)
            await peer.write(HELLO)
            assert epolls() == before + 1
            peer.sock.close()
            await serving.wait_closed()
            await asyncio.sleep(0)
            assert epolls() == before

    asyncio.run(main())


async def open_many(serving: Serving, count: int) -> list[Peer]:
    """Open many connections, some at a time."""
    for start in range(0, count, 50):
        peers = [Peer(Outcome(), serving.server.address()) for _ in range(start, min(start + 50, count))]
        serving.peers += peers
        await asyncio.gather(*(peer.open() for peer in peers))
    await until(lambda: len(serving.connections) == len(serving.peers))
    return serving.peers


@each_loop
def test_listener_cuts_thousands(loop: str) -> None:
    """One listener may cut all connections, those that the same batch tells of and all others."""
    count, told = 2000, []

    async def main() -> None:
        async with Serving() as serving:
            peers = await open_many(serving, count)

            def message(data: bytes, is_binary: bool) -> None:
                told.append(data)
                for connection in serving.connections:
                    connection.terminate()
                serving.connections.clear()
                gc.collect()

            for connection in serving.connections:
                connection.on("message", message)
            del connection
            for peer in peers:
                peer.sock.send(HELLO)
            for _ in range(20):
                await asyncio.sleep(0)
            assert not serving.server.clients
            for peer in peers:
                peer.read()
            assert all(peer.outcome.is_over for peer in peers)

    on_loop(loop, main)
    assert told == [b"hello"]


@each_loop
def test_thousands_of_peers_leave_at_once(loop: str) -> None:
    """Peers that all go at once, in every way, cost their connections and nothing else."""
    count = 2000
    told: list[bytes] = []

    async def main() -> None:
        async with Serving() as serving:
            stays = await serving.peer()
            peers = (await open_many(serving, count))[1:]
            for connection in serving.connections:
                connection.on("message", lambda data, _: told.append(data))
            for number, peer in enumerate(peers):
                if number % 4 < 2:
                    peer.sock.send(HELLO)
                if number % 4 == 0:
                    peer.sock.shutdown(socket.SHUT_WR)
                elif number % 4 == 3:
                    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if number % 4:
                    peer.sock.close()
            await until(lambda: len(serving.server.clients) == 1)
            await stays.write(HELLO)

    on_loop(loop, main)
    assert told == [b"hello"] * (count // 2 + 1)


@each_loop
def test_collector_runs_in_listener(loop: str) -> None:
    """Connections that only a cycle holds may be cut and collected by another one's listener."""
    count, gone = 60, []

    async def main() -> None:
        async with Serving(clientTracking=False) as serving:
            peers = await open_many(serving, count)
            last = serving.connections.pop()
            for connection in serving.connections:
                connection.itself = connection
                weakref.finalize(connection, gone.append, True)

            def message(data: bytes, is_binary: bool) -> None:
                while serving.connections:
                    serving.connections.pop().terminate()
                gc.collect()

            last.on("message", message)
            del connection
            for peer in reversed(peers):
                peer.sock.send(HELLO)
            await peers[-1].settle()
            gc.collect()
            assert len(gone) == count - 1
            serving.connections += [last] * count

    on_loop(loop, main)


def test_child_closes_its_server() -> None:
    """A child process that closes the server it has inherited leaves its parent a server that accepts."""
    received = []

    async def handler(connection: Any) -> None:
        received.append(await connection.recv())

    async def main() -> None:
        async with handling(handler) as server:
            child = os.fork()
            if not child:
                # Its own ``close`` would need the loop.
                server._server.close()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0  # noqa: ASYNC222 - it ends at once
            peer = Peer(Outcome(), server.sockets[0].getsockname())
            await peer.open()
            await peer.write(HELLO)
            peer.sock.close()

    asyncio.run(main())
    assert received == [b"hello"]


def test_child_has_loop_of_its_own() -> None:
    """A child process may serve on a new loop, while its parent goes on with its own."""

    async def converse() -> list[tuple[int, bytes]]:
        async with Serving() as serving:
            peer = await serving.peer()
            connection = serving.connections[0]
            connection.on("message", lambda data, _: connection.send(data))
            await peer.write(HELLO)
            return peer.outcome.frames

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            connection = serving.connections[0]
            connection.on("message", lambda data, _: connection.send(data))
            child = os.fork()
            if not child:
                asyncio.set_event_loop(None)
                os._exit(asyncio.run(converse()) != [(0x82, b"hello")])
            await until(lambda: os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None)
            assert os.waitpid(child, 0)[1] == 0  # noqa: ASYNC222 - it has ended
            await peer.write(HELLO)
            assert peer.outcome.frames == [(0x82, b"hello")]

    asyncio.run(main())


def test_loop_changes_its_thread() -> None:
    """A loop that is run again, in another thread, may send before anything has arrived there."""
    loop = asyncio.new_event_loop()
    serving = Serving()

    async def begin() -> Peer:
        await serving.__aenter__()
        return await serving.peer()

    async def go_on(peer: Peer) -> list[tuple[int, bytes]]:
        serving.connections[0].send(b"hello")
        await peer.settle()
        await serving.__aexit__()
        return peer.outcome.frames

    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        peer = first.submit(loop.run_until_complete, begin()).result()
        frames = second.submit(loop.run_until_complete, go_on(peer)).result()
    loop.close()

    assert frames == [(0x82, b"hello")]


def test_other_thread_compresses_nothing() -> None:
    """A message from another thread, which is refused, leaves no trace in what the next one refers to."""
    inflate = zlib.decompressobj(-15)

    async def main() -> None:
        async with Serving(perMessageDeflate={"threshold": 0}) as serving:
            peer = await serving.peer(extensions="permessage-deflate")
            with pytest.raises(RuntimeError, match="call_soon_threadsafe"):
                await asyncio.to_thread(serving.connections[0].send, HELLO)
            serving.connections[0].send(HELLO)
            await peer.settle()
            ((first, payload),) = peer.outcome.frames
            assert first == 0xC2
            assert inflate.decompress(payload + b"\0\0\xff\xff") == HELLO

    asyncio.run(main())


@each_loop
def test_interrupt_while_writing_passes_through(loop: str) -> None:
    """KeyboardInterrupt when one connection's buffer is full costs no other one what it was sent."""
    serving = None
    sent: list[tuple[int, bytes]] = []

    async def begin() -> tuple[Peer, Peer]:
        nonlocal serving
        serving = Serving()
        await serving.__aenter__()
        return await serving.peer(), await serving.peer()

    async def go_on() -> None:
        assert serving is not None
        full, other = serving.connections

        def interrupt() -> None:
            raise KeyboardInterrupt

        full.writing_paused = interrupt
        while not full.is_slow:
            # Less than is written at once.
            full.send(bytes(30_000))
            sent.append((0x82, b"hello"))
            other.send(b"hello")
            await asyncio.sleep(0)
        # To end now would stop the loop when it runs again.
        await asyncio.Event().wait()

    async def end(peers: tuple[Peer, Peer]) -> list[tuple[int, bytes]]:
        assert serving is not None
        await peers[1].settle()
        await serving.__aexit__()
        return peers[1].outcome.frames

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        peers = runner.run(begin())
        with pytest.raises(KeyboardInterrupt):
            runner.run(go_on())
        assert runner.run(end(peers)) == sent
