"""The engine beside its definition, and what nobody may be able to do to it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import functools
import gc
import itertools
import os
import random
import socket
import struct
import tracemalloc
import warnings
import weakref
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullduplex.kernels.pure import apply_mask
from fullduplex.protocol.limits import Limits

from ..loops import LOOPS
from ..native import native_module
from . import twins
from .twins import Outcome, Peer, build, converse

engine = native_module("fullduplex.transport.engine")

SIZES = (0, 1, 125, 126, 127, 4000, 16383, 16384, 16385, 65535, 65536, 66546, 66552, 66561)
MAX_SIZE = 70_000
TEXTS = ("a" * MAX_SIZE, "é" * MAX_SIZE, "€" * MAX_SIZE, "a😀" * MAX_SIZE)
ACTIONS = ("send", "fragments", "ping", "pause", "raise", "broadcast", "hear")


def frame(first: int, payload: bytes, *, claims: int | None = None, masked: bool = True) -> bytes:
    """Return a frame as a client sends it, or one that claims a length that it hasn't."""
    length = len(payload) if claims is None else claims
    bit = 0x80 if masked else 0
    if length < 126:
        head = bytes((first, bit | length))
    elif length < 65536:
        head = bytes((first, bit | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + length.to_bytes(8, "big")
    if not masked:
        return head + payload
    key = b"\x01\xf2\x93\x44"
    pad = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (
        head
        + key
        + (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big")
    )


def text(number: int, size: int) -> bytes:
    """Return the bytes of a text, whose last character may be cut."""
    return TEXTS[number].encode()[:size]


messages = st.one_of(
    st.builds(lambda size: frame(0x82, bytes(random.Random(size).randbytes(size))), st.sampled_from(SIZES)),
    st.builds(
        lambda number, size: frame(0x81, text(number, size)), st.integers(0, 3), st.sampled_from(SIZES)
    ),
    st.builds(lambda data: frame(0x81, data.encode()), st.text(max_size=20)),
)
fragments = st.builds(
    lambda first, size, last, ping: (
        frame(first, b"x" * size) + (frame(0x89, b"!") if ping else b"") + frame(0x80, b"y" * last)
    ),
    st.sampled_from((1, 2)),
    st.sampled_from((0, 3, 20_000)),
    st.sampled_from((0, 3, 20_000)),
    st.booleans(),
)
controls = st.builds(frame, st.sampled_from((0x89, 0x8A)), st.binary(max_size=125))
wrong = st.one_of(
    st.just(frame(0x81, b"\xff" * 5)),
    st.builds(
        lambda size: frame(0x81, b"a" * size + b"\xff" + b"a" * 9000), st.sampled_from((10, 16_380, 60_000))
    ),
    st.just(frame(0x82, b"unmasked", masked=False)),
    st.builds(lambda bit: frame(0x82 | bit, b"reserved"), st.sampled_from((0x10, 0x20, 0x40))),
    st.just(frame(0x82, b"", claims=MAX_SIZE + 1)),
    st.just(frame(0x82, b"", claims=2**63 + 1)),
    st.just(b"\x82\xfe\x00\x05\0\0\0\0hello"),
    st.just(frame(0x89, b"x" * 126)),
    st.just(frame(0x80, b"continues nothing")),
    st.just(frame(0x88, b"\x03")),
    st.just(frame(0x88, b"\x03\xe8\xff")),
    st.builds(
        lambda code: frame(0x88, code.to_bytes(2, "big") + b"bye"), st.sampled_from((1000, 1005, 4000))
    ),
    st.just(frame(0x88, b"")),
    st.binary(min_size=1, max_size=30),
)
plain = st.lists(st.one_of(messages, messages, fragments, controls), max_size=8)


class Writes(list[bytes]):
    """What a peer writes, with a representation that can be read."""

    def __repr__(self) -> str:
        return f"[{', '.join(f'{data[:40]!r}({len(data)})' for data in self)}]"


def unmasked(data: bytes) -> bytes:
    """Return a client's frames as a server sends them; the last may lack its end."""
    at, written = 0, b""
    while at + 2 <= len(data) and data[at + 1] & 0x80:
        length = data[at + 1] & 0x7F
        end = at + 2 + {126: 2, 127: 8}.get(length, 0)
        if length >= 126:
            length = int.from_bytes(data[at + 2 : end], "big")
        key, payload = data[end : end + 4], data[end + 4 : end + 4 + length]
        written += bytes((data[at], data[at + 1] & 0x7F)) + data[at + 2 : end]
        written += apply_mask(payload, key) if len(key) == 4 else b""
        at = end + 4 + length
    return written + data[at:]


@st.composite
def conversations(draw: st.DrawFn, *, masked: bool = True) -> Writes:
    """Draw what a peer writes: frames, most of them right, cut anywhere."""
    frames = [*draw(plain), *draw(st.lists(wrong, max_size=1)), *draw(plain)]
    stream = b"".join(frames if masked else map(unmasked, frames))
    size = len(stream)
    cuts = draw(st.lists(st.one_of(st.integers(0, min(size, 40)), st.integers(0, size)), max_size=6))
    places = sorted({0, size, *cuts})
    return Writes(stream[start:end] for start, end in itertools.pairwise(places))


scripts = st.dictionaries(st.integers(1, 9), st.sampled_from(ACTIONS), max_size=4)
endings = st.builds(
    lambda script, number, ending: {**script, number: ending},
    scripts,
    st.integers(1, 4),
    st.sampled_from(("close", "terminate")),
)


def on_both(
    loop: str, prepare: Any, writes: Sequence[bytes], extensions: str = "", **options: Any
) -> tuple[Any, Any]:
    """Have a conversation on both builds."""
    outcomes = []
    for native in (True, False):
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            outcomes.append(
                runner.run(converse(build(native=native), prepare, writes, options, extensions=extensions))
            )
    return outcomes[0], outcomes[1]


def check_alike(native: Outcome, pure: Outcome) -> None:
    """See that both builds were told, sent and logged the same."""
    assert native.told == pure.told
    assert native.frames == pure.frames
    assert (native.logged, native.is_over) == (pure.logged, pure.is_over)


def check_alike_but_ends(native: Outcome, pure: Outcome) -> None:
    """See that both builds were told and logged the same, and sent the same up to the end."""
    assert native.told == pure.told
    # How much is read at once differs, and by it whether a Close frame comes before or after an answer.
    both = min(len(native.data_frames), len(pure.data_frames))
    assert native.data_frames[:both] == pure.data_frames[:both]
    assert native.control_frames == pure.control_frames
    assert (native.logged, native.is_over) == (pure.logged, pure.is_over)


each_loop = pytest.mark.parametrize("loop", LOOPS)


@each_loop
@settings(max_examples=100)
@given(writes=conversations(), script=scripts)
def test_events_are_alike(loop: str, writes: list[bytes], script: dict[int, str]) -> None:
    """Listeners are told the same, the peer gets the same bytes, and the same is logged."""
    native, pure = on_both(loop, functools.partial(twins.events, script), writes, maxPayload=MAX_SIZE)

    check_alike(native, pure)


@each_loop
@settings(max_examples=100)
@given(writes=conversations(), script=endings)
def test_events_end_alike(loop: str, writes: list[bytes], script: dict[int, str]) -> None:
    """A listener that closes the connection, or cuts it, is told the same before and after."""
    native, pure = on_both(loop, functools.partial(twins.events, script), writes, maxPayload=MAX_SIZE)

    assert native.told == pure.told
    assert (native.logged, native.is_over) == (pure.logged, pure.is_over)
    # Of what was sent in the turn in which the connection is cut, some may be written.
    if "terminate" not in script.values():
        assert native.frames == pure.frames


@each_loop
@pytest.mark.parametrize("handle", [twins.echoes, twins.cancels, twins.streams, twins.delays])
@settings(max_examples=50)
@given(writes=conversations())
def test_coroutines_are_alike(loop: str, handle: Callable[..., Any], writes: list[bytes]) -> None:
    """Handlers receive the same, however they do it, and answer the same."""
    native, pure = on_both(loop, functools.partial(twins.coroutines, handle), writes, max_size=MAX_SIZE)

    check_alike_but_ends(native, pure)


@each_loop
@settings(max_examples=100)
@given(writes=conversations(masked=False), script=scripts)
def test_client_events_are_alike(loop: str, writes: list[bytes], script: dict[int, str]) -> None:
    """Listeners of a client are told the same, the server gets the same, and the same is logged."""
    native, pure = on_both(loop, functools.partial(twins.client_events, script), writes, maxPayload=MAX_SIZE)

    check_alike(native, pure)


@each_loop
@pytest.mark.parametrize("handle", [twins.echoes, twins.cancels, twins.streams, twins.delays])
@settings(max_examples=50)
@given(writes=conversations(masked=False))
def test_client_coroutines_are_alike(loop: str, handle: Callable[..., Any], writes: list[bytes]) -> None:
    """Coroutines of a client receive the same, however they do it, and answer the same."""
    native, pure = on_both(
        loop, functools.partial(twins.client_coroutines, handle), writes, max_size=MAX_SIZE
    )

    check_alike_but_ends(native, pure)


@each_loop
@settings(max_examples=100)
@given(writes=conversations(masked=False), script=scripts)
def test_browser_is_alike(loop: str, writes: list[bytes], script: dict[int, str]) -> None:
    """The browser's object has the same events, and sends the same."""
    native, pure = on_both(loop, functools.partial(twins.client_browser, script), writes, max_size=MAX_SIZE)

    # Events have turns of their own.
    check_alike_but_ends(native, pure)


class Serving:
    """An event server on the native build, with its connections, and plain peers."""

    def __init__(self, **options: Any) -> None:
        self.server = build(native=True).WebSocketServer(
            host="127.0.0.1", port=0, ping_interval=None, **options
        )
        self.connections: list[Any] = []
        self.server.on("connection", lambda connection, _: self.connections.append(connection))
        self.peers: list[Peer] = []

    async def __aenter__(self) -> Self:
        await self.server.wait_listening()
        return self

    async def __aexit__(self, *details: object) -> None:
        for peer in self.peers:
            peer.sock.close()
        self.server.close()
        await self.server.wait_closed()

    async def peer(self, **options: Any) -> Peer:
        """Open one more connection."""
        peer = Peer(Outcome(), self.server.address(), **options)
        await peer.open()
        self.peers.append(peer)
        await peer.settle()
        assert len(self.connections) == len(self.peers)
        return peer


def on_loop(loop: str, main: Callable[[], Any]) -> Any:
    """Run a coroutine function on a loop by its name."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main())


HELLO = frame(0x82, b"hello")


@each_loop
def test_listener_closes_whole_batch(loop: str) -> None:
    """Connections that a listener cuts, of which the same batch would tell, are told of nothing more."""
    told = []

    async def main() -> None:
        async with Serving() as serving:
            peers = [await serving.peer() for _ in range(100)]

            def message(data: bytes, is_binary: bool) -> None:
                told.append(data)
                for connection in serving.connections:
                    connection.terminate()

            for connection in serving.connections:
                connection.on("message", message)
            for peer in peers:
                peer.sock.send(HELLO)
            await peers[0].settle()
            assert all(connection.readyState == connection.CLOSED for connection in serving.connections)

    on_loop(loop, main)
    assert told == [b"hello"]


@each_loop
def test_listener_drops_all_references(loop: str) -> None:
    """A connection that nobody refers to any more can be cut and collected within its own message."""
    gone = []

    async def main() -> None:
        async with Serving(clientTracking=False) as serving:
            peer = await serving.peer()
            connection = serving.connections.pop()
            serving.connections.append(None)
            weakref.finalize(connection, gone.append, True)

            def message(data: bytes, is_binary: bool) -> None:
                held.pop().terminate()
                gc.collect()

            held = [connection]
            connection.on("message", message)
            del connection
            await peer.write(HELLO * 3)
            gc.collect()
            assert peer.outcome.is_over

    on_loop(loop, main)
    assert gone == [True]


@each_loop
@pytest.mark.parametrize("size", [3, 2000])
def test_cancelled_listener_cuts_connection(loop: str, size: int) -> None:
    """A listener that raises what isn't an Exception costs its connection, and no other one."""
    told: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with Serving() as serving:
            bad, good = await serving.peer(), await serving.peer()

            def message(number: int, data: bytes, is_binary: bool) -> None:
                told.append(number)
                if number == 0 and told.count(0) == size - 1:
                    raise asyncio.CancelledError

            for number, connection in enumerate(serving.connections):
                connection.on("message", functools.partial(message, number))
            bad.sock.send(HELLO * size + HELLO[:3])
            good.sock.send(HELLO * size)
            await good.settle()
            await bad.settle()
            assert bad.outcome.is_over
            await good.write(HELLO)

    on_loop(loop, main)
    assert (told.count(0), told.count(1)) == (size - 1, size + 1)


@each_loop
def test_interrupt_passes_through(loop: str) -> None:
    """KeyboardInterrupt in a listener comes out of the loop; run again, other connections are whole."""
    told: list[Any] = []
    serving = None

    async def begin() -> tuple[Peer, Peer]:
        nonlocal serving
        serving = Serving()
        await serving.__aenter__()
        peers = await serving.peer(), await serving.peer()

        def interrupt(data: bytes, is_binary: bool) -> None:
            raise KeyboardInterrupt

        serving.connections[0].on("message", interrupt)
        serving.connections[1].on("message", lambda data, _: told.append(data))
        return peers

    async def go_on(peers: tuple[Peer, Peer]) -> None:
        for peer in peers:
            peer.sock.send(HELLO * 2)
        await peers[1].settle()

    async def end(peers: tuple[Peer, Peer]) -> None:
        assert serving is not None
        await peers[1].write(HELLO)
        await serving.__aexit__()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        peers = runner.run(begin())
        with pytest.raises(KeyboardInterrupt):
            runner.run(go_on(peers))
        runner.run(end(peers))

    assert told == [b"hello"] * 3


@each_loop
def test_handler_cancels_another(loop: str) -> None:
    """A receiver that another one of the same batch cancels loses no message."""
    received: dict[int, list[bytes]] = {0: [], 1: []}

    async def main() -> None:
        receiving: list[asyncio.Future[Any]] = []

        async def handler(connection: Any) -> None:
            number = len(receiving)
            receiving.append(asyncio.get_running_loop().create_future())
            for _ in range(100):
                receiving[number] = asyncio.ensure_future(connection.recv())
                with contextlib.suppress(asyncio.CancelledError):
                    received[number].append(await receiving[number])
                    receiving[1 - number].cancel()

        async with handling(handler) as server:
            peers = [Peer(Outcome(), server.sockets[0].getsockname()) for _ in range(2)]
            for peer in peers:
                await peer.open()
                await peer.settle()
            for number in range(10):
                for peer in peers:
                    peer.sock.send(frame(0x82, bytes([number])) + frame(0x82, bytes([number])))
                await peers[0].settle()
            for peer in peers:
                peer.sock.close()

    on_loop(loop, main)
    expected = [bytes([number // 2]) for number in range(20)]
    assert received == {0: expected, 1: expected}


@each_loop
def test_reset_before_accept_is_silent(loop: str) -> None:
    """A client that is gone when it is accepted is nothing to tell of."""
    told = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with Serving() as serving:
            with socket.create_connection(serving.server.address()) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            for _ in range(20):
                await asyncio.sleep(0)

    on_loop(loop, main)
    assert told == []


def handling(handler: Callable[[Any], Any], **options: Any) -> Any:
    """Serve with the asyncio face on the native build."""
    return build(native=True).serve(
        handler, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=1, **options
    )


class OwnTask(asyncio.Task[Any]):
    """A task of somebody's own making."""


@each_loop
@pytest.mark.parametrize("kind", [asyncio.Task, OwnTask, asyncio.tasks._PyTask])  # type: ignore[attr-defined]
def test_every_kind_of_task_waits(loop: str, kind: Any) -> None:
    """Whatever runs a handler goes on with a message that comes, and is cancelled while it waits."""
    told = []

    async def handler(connection: Any) -> None:
        task = asyncio.current_task()
        assert type(task) is kind
        async for message in connection:
            told.append(message)
            if message == b"2":
                connection.loop.call_soon(task.cancel)
        told.append(b"never")

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(
            lambda loop, coroutine, **options: kind(coroutine, loop=loop, **options)
        )
        async with handling(handler) as server:
            peer = Peer(Outcome(), server.sockets[0].getsockname())
            await peer.open()
            for number in range(3):
                await peer.write(frame(0x82, b"%d" % number))
            assert [first for first, _ in peer.outcome.frames] == [0x88]
            peer.sock.close()

    on_loop(loop, main)
    assert told == [b"0", b"1", b"2"]


@each_loop
@pytest.mark.parametrize("size", [10_000, 50_000, 100_000])
def test_streaming_begins_within_message(loop: str, size: int) -> None:
    """Who asks for a message in pieces gets what there is of it already."""
    pieces = []

    async def main() -> None:
        asked = asyncio.Event()

        async def handler(connection: Any) -> None:
            await asked.wait()
            async for piece in connection.recv_streaming():
                pieces.append(piece)  # noqa: PERF401 - they are looked at meanwhile

        async with handling(handler) as server:
            peer = Peer(Outcome(), server.sockets[0].getsockname())
            await peer.open()
            await peer.write(frame(0x82, b"a" * size)[: size // 2])
            asked.set()
            await peer.settle()
            assert 0 < len(b"".join(pieces)) <= size // 2
            await peer.write(frame(0x82, b"a" * size)[size // 2 :])
            peer.sock.close()

    on_loop(loop, main)
    assert b"".join(pieces) == b"a" * size


@each_loop
def test_large_message_waits_for_receiver(loop: str) -> None:
    """Of a message that nobody asks for no more than the read limit is taken, and then all of it."""
    size, received = 16_000_000, []

    async def main() -> None:
        asked = asyncio.Event()

        async def handler(connection: Any) -> None:
            await asked.wait()
            received.append(await connection.recv())

        async with handling(handler, max_size=size, read_limit=100_000) as server:
            peer = Peer(Outcome(), server.sockets[0].getsockname())
            await peer.open()
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            rest = await peer.write(frame(0x82, bytes(size)))
            assert len(rest) > size // 4
            asked.set()
            while rest:
                rest = await peer.write(rest)
            await peer.settle()
            peer.sock.close()

    on_loop(loop, main)
    assert received == [bytes(size)]


@each_loop
def test_dropped_message_makes_room(loop: str) -> None:
    """Large messages that were dropped are used again; those that the program keeps aren't touched."""
    sizes = [140_000, 200_000, 190_000, 200_000, 140_000, 100_001, 131_073, 1_000_000] * 4
    contents = [random.Random(number).randbytes(size) for number, size in enumerate(sizes)]
    told, kept = [], []

    def listen(data: bytes, is_binary: bool) -> None:
        told.append((len(data), hash(data), data == contents[len(told)]))
        if len(told) % 3:
            kept.append(data)

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            serving.connections[0].on("message", listen)
            for content in contents:
                await peer.write(frame(0x82, content))

    on_loop(loop, main)
    assert told == [(len(content), hash(content), True) for content in contents]
    assert kept == [content for number, content in enumerate(contents, 1) if number % 3]


@each_loop
def test_large_text_stays_until_written(loop: str) -> None:
    """A large text that waits for a slow peer arrives as it was sent, whatever others send meanwhile."""
    texts = []

    async def main() -> None:
        async with Serving() as serving:
            slow, other = await serving.peer(), await serving.peer()
            slow.reads = False
            while not serving.connections[0].bufferedAmount:
                texts.append(chr(32 + len(texts)) * 1_800_000)
                serving.connections[0].send(texts[-1])
            await other.write(frame(0x82, bytes(1_000_000)))
            slow.reads = True
            await slow.settle()
            assert slow.outcome.frames == [(0x81, text.encode()) for text in texts]

    on_loop(loop, main)


def test_dropped_messages_are_given_back() -> None:
    """Soon after the last large message, and with the last connection, none is kept any more."""
    size = 1_000_000

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HeldTimers)
        loop.held = []
        tracemalloc.start()
        try:
            async with Serving() as serving:
                peer = await serving.peer()
                for _ in range(2):
                    await peer.write(frame(0x82, bytes(size)))
                    assert tracemalloc.get_traced_memory()[0] > size
                    for _ in range(2):
                        (look,) = loop.held
                        loop.held = []
                        look()
                    assert (loop.held, tracemalloc.get_traced_memory()[0] < size) == ([], True)
                await peer.write(frame(0x82, bytes(size)))
            assert tracemalloc.get_traced_memory()[0] < size
        finally:
            tracemalloc.stop()

    with asyncio.Runner(loop_factory=HeldTimers) as runner:
        runner.run(main())


def test_many_messages_are_given_back() -> None:
    """Of many large messages at a time the system has all the memory again, wherever something else lies."""
    size, count = 200_000, 200
    kept: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HeldTimers)
        loop.held = []
        async with Serving() as serving:
            peer = await serving.peer()
            # Something else between them and the end of what the C library has, which alone it gives back.
            serving.connections[0].on("message", lambda data, _: kept.append((data, bytearray(5000))))
            # The first of its size that is freed makes those after it the C library's to keep.
            await peer.write(frame(0x82, bytes(size)))
            kept.clear()
            # What other tests have freed isn't to be had for them.
            ctypes.CDLL(None).malloc_trim(0)
            before = resident_bytes()
            for _ in range(count):
                await peer.write(frame(0x82, bytes(size)))
            assert resident_bytes() - before > size * count / 2
            others = [other for _, other in kept]
            kept.clear()
            for _ in range(2):
                (look,) = loop.held
                loop.held = []
                look()
            assert resident_bytes() - before < size * count / 4
            assert len(others) == count

    with asyncio.Runner(loop_factory=HeldTimers) as runner:
        runner.run(main())


def resident_bytes() -> int:
    """Return the memory that this process has, as the system tells."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@each_loop
def test_nothing_is_received_after_violation(loop: str) -> None:
    """While a failure waits for what came before to be answered, what comes after is dropped."""
    received = []

    async def main() -> None:
        asked = asyncio.Event()

        async def handler(connection: Any) -> None:
            await asked.wait()
            async for message in connection:
                received.append(message)  # noqa: PERF401 - the iteration raises at its end

        async with handling(handler) as server:
            peer = Peer(Outcome(), server.sockets[0].getsockname())
            await peer.open()
            for data in (frame(0x82, b"first"), frame(0x81, b"\xff"), frame(0x82, b"last")):
                await peer.write(data)
            asked.set()
            await peer.settle()
            assert [first for first, _ in peer.outcome.frames] == [0x88]
            peer.sock.close()

    on_loop(loop, main)
    assert received == [b"first"]


@each_loop
def test_broadcast_reaches_all_in_batch(loop: str) -> None:
    """What a listener sends to all is written once to each, those of the same batch included."""

    async def main() -> None:
        async with Serving() as serving:
            peers = [await serving.peer() for _ in range(20)]
            for connection in serving.connections:
                connection.on(
                    "message", lambda data, _: build(native=True).broadcast(serving.connections, data)
                )
            for number, peer in enumerate(peers):
                peer.sock.send(frame(0x82, bytes([number])))
            for peer in peers:
                await peer.settle()
            for peer in peers:
                assert sorted(peer.outcome.frames) == [(0x82, bytes([number])) for number in range(20)]

    on_loop(loop, main)


@each_loop
def test_writes_until_peer_is_full(loop: str) -> None:
    """What the system doesn't take waits, counts, stops the reading, and is written when there is room."""
    size = 100_000
    events = []

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            connection = serving.connections[0]
            connection.on("message", lambda data, _: events.append(data))
            peer.reads = False
            count = 0
            while not connection.is_slow:
                connection.send(bytes(size))
                count += 1
                await asyncio.sleep(0)
            assert 32_768 < connection.bufferedAmount <= count * (size + 10)
            await peer.write(HELLO)
            assert events == []
            peer.reads = True
            await peer.settle()
            assert events == [b"hello"]
            assert not connection.is_slow
            assert connection.bufferedAmount == 0
            assert [len(payload) for _, payload in peer.outcome.frames] == [size] * count

    on_loop(loop, main)


@each_loop
def test_close_waits_for_backlog(loop: str) -> None:
    """What waits to be written comes before the Close frame, and that before the end, half-closed or not."""

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            peer.reads = False
            connection = serving.connections[0]
            while connection.bufferedAmount < 200_000:
                connection.send(bytes(100_000))
                await asyncio.sleep(0)
            connection.close(1000, "bye")
            peer.sock.shutdown(socket.SHUT_WR)
            await peer.settle()
            peer.reads = True
            await peer.settle()
            *messages, close = peer.outcome.frames
            assert close == (0x88, b"\x03\xe8bye")
            assert {len(payload) for _, payload in messages} == {100_000}
            assert peer.outcome.is_over

    on_loop(loop, main)


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts how often a reader is called."""

    calls = 0

    def add_reader(self, descriptor: Any, callback: Callable[..., Any], *arguments: Any) -> Any:
        """Count the calls of a reader."""

        def counted() -> None:
            self.calls += 1
            callback(*arguments)

        return super().add_reader(descriptor, counted)


def test_paused_connection_rests() -> None:
    """A paused connection whose peer cuts it, or has sent more, isn't told of again and again."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        async with Serving() as serving:
            first, second = await serving.peer(), await serving.peer()
            for connection in serving.connections:
                connection.pause()
            await first.write(HELLO)
            second.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            second.sock.close()
            for _ in range(10):
                await asyncio.sleep(0)
            loop.calls = 0
            for _ in range(100):
                await asyncio.sleep(0)
            assert loop.calls == 0
            for connection in serving.connections:
                connection.resume()
            await first.settle()
            assert serving.connections[1].readyState == serving.connections[1].CLOSED

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        runner.run(main())


def test_idle_connection_keeps_no_readers() -> None:
    """What the protocol reads with is there only as long as it needs more of a frame or a message."""

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            (connection,) = serving.connections
            codec = connection.codec
            for data, is_needed in [
                (HELLO, False),
                (frame(0x89, b"?"), False),
                (frame(0x02, b"hel"), True),
                (HELLO[:1], True),
            ]:
                await peer.write(data)
                assert (codec._frames is not None) is is_needed
                assert (codec._messages is not None) is is_needed
                assert codec._output is codec._events is None

    asyncio.run(main())


def test_closed_loop_leaves_nothing() -> None:
    """A loop that is closed with connections open goes with them, and their descriptors are closed."""
    gone = []
    descriptors = len(os.listdir("/proc/self/fd"))
    loop = asyncio.new_event_loop()

    async def main() -> None:
        serving = Serving()
        await serving.__aenter__()
        for _ in range(3):
            peer = await serving.peer()
            peer.sock.close()
        for connection in serving.connections:
            weakref.finalize(connection, gone.append, True)

    loop.run_until_complete(main())
    loop.close()
    del loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()

    assert gone == [True] * 3
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_loops_in_two_threads() -> None:
    """Each loop has its connections, in whatever thread it runs."""

    async def main() -> list[tuple[int, bytes]]:
        async with Serving() as serving:
            peer = await serving.peer()
            connection = serving.connections[0]
            connection.on("message", lambda data, _: connection.send(data))
            for _ in range(200):
                await peer.write(HELLO)
            return peer.outcome.frames

    with ThreadPoolExecutor(2) as threads:
        results = [threads.submit(asyncio.run, main()) for _ in range(2)]

    assert [result.result() for result in results] == [[(0x82, b"hello")] * 200] * 2


def test_other_thread_is_refused() -> None:
    """Sending from another thread than the loop's raises, says what to do, and changes nothing."""

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            with pytest.raises(RuntimeError, match="call_soon_threadsafe"):
                await asyncio.to_thread(serving.connections[0].send, b"lost")
            serving.connections[0].send(b"hello")
            await peer.settle()
            assert peer.outcome.frames == [(0x82, b"hello")]

    asyncio.run(main())


@each_loop
def test_loop_goes_on_in_another_thread(loop: str) -> None:
    """Whoever runs a loop again, in another thread, sends there."""
    running = LOOPS[loop]()

    async def begin() -> tuple[Serving, Peer]:
        serving = Serving()
        await serving.server.wait_listening()
        return serving, await serving.peer()

    async def send() -> list[tuple[int, bytes]]:
        async with serving:
            serving.connections[0].send(b"here")
            await peer.settle()
            return peer.outcome.frames

    serving, peer = running.run_until_complete(begin())
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(running.run_until_complete, send()).result() == [(0x82, b"here")]
    running.close()


def test_other_thread_compresses_nothing() -> None:
    """What another thread isn't allowed to send leaves no trace in what is compressed next."""
    text = "the same " * 1000

    async def main() -> None:
        async with Serving(perMessageDeflate=True) as serving:
            address = "ws://{}:{}".format(*serving.server.address())
            async with build(native=True).connect(address, ping_interval=None) as client:
                (connection,) = serving.connections
                with pytest.raises(RuntimeError, match="call_soon_threadsafe"):
                    await asyncio.to_thread(connection.send, text)
                connection.send(text)
                assert await client.recv() == text

    asyncio.run(main())


def test_child_leaves_parent_alone() -> None:
    """A child process that cuts what it has inherited doesn't change what its parent watches."""

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            connection = serving.connections[0]
            connection.on("message", lambda data, _: connection.send(data))
            child = os.fork()
            if not child:
                connection.pause()
                connection.terminate()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0  # noqa: ASYNC222 - it ends at once
            await peer.write(HELLO)
            assert peer.outcome.frames == [(0x82, b"hello")]

    asyncio.run(main())


class HeldTimers(asyncio.SelectorEventLoop):
    """Keeps what is to be called when the engine has rested, until it is asked for."""

    held: list[Callable[[], Any]]

    def call_later(self, delay: float, callback: Any, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
        """Keep what waits as long as the engine does."""
        if delay in (0.125, 1):
            self.held.append(callback)
            delay = 1000
        return super().call_later(delay, callback, *arguments, **options)


def test_accepting_rests_without_descriptors() -> None:
    """Without a free descriptor accepting rests, is told of once, and goes on later."""
    # Windows doesn't have it, nor the engine.
    import resource

    told: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HeldTimers)
        loop.held = []
        loop.set_exception_handler(lambda _, context: told.append(context["exception"].errno))
        async with Serving() as serving:
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            waiting = socket.socket()
            waiting.setblocking(False)
            resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, limits[1]))
            try:
                with contextlib.suppress(BlockingIOError):
                    waiting.connect(serving.server.address())
                for _ in range(20):
                    await asyncio.sleep(0)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            assert told == [errno.EMFILE]
            (go_on,) = loop.held
            go_on()
            await loop.sock_sendall(waiting, twins.HEAD)
            assert (await loop.sock_recv(waiting, 12)) == b"HTTP/1.1 101"
            waiting.close()

    with asyncio.Runner(loop_factory=HeldTimers) as runner:
        runner.run(main())


@each_loop
def test_first_broadcast_is_written_at_once(loop: str) -> None:
    """Of several messages for all in one turn the first doesn't wait for its end; the others do, together."""

    async def main() -> None:
        async with Serving() as serving:
            peers = [await serving.peer() for _ in range(3)]
            for number in range(2):
                for data in (b"first", b"second", b"third"):
                    build(native=True).broadcast(serving.server.clients, data)
                for peer in peers:
                    peer.read()
                    assert len(peer.outcome.frames) == 1 + 3 * number
                for peer in peers:
                    await peer.settle()
                    said = [(0x82, b"first"), (0x82, b"second"), (0x82, b"third")]
                    assert peer.outcome.frames == said * (number + 1)

    on_loop(loop, main)


@each_loop
def test_broadcast_keeps_its_place(loop: str) -> None:
    """It comes after what the connection was sent before, and before what it is sent afterwards."""

    async def main() -> None:
        async with Serving() as serving:
            peers = [await serving.peer() for _ in range(2)]
            first, second = serving.connections
            first.send(b"before")
            build(native=True).broadcast([first, second], b"all")
            for connection in (first, second):
                connection.send(b"after")
            for peer in peers:
                await peer.settle()
            assert peers[0].outcome.frames == [(0x82, b"before"), (0x82, b"all"), (0x82, b"after")]
            assert peers[1].outcome.frames == [(0x82, b"all"), (0x82, b"after")]

    on_loop(loop, main)


@each_loop
def test_broadcast_fills_no_other_peer(loop: str) -> None:
    """A peer that takes nothing has what waits for it, and is cut beyond the limit; the others get all."""
    size = 100_000

    async def main() -> None:
        async with Serving(buffer_limit=50 * size) as serving:
            slow, quick = [await serving.peer() for _ in range(2)]
            slow.reads = False
            connection = serving.connections[0]
            said = []
            while connection.readyState == connection.OPEN:
                assert len(said) < 1000
                said.append((0x82, bytes([len(said) % 256]) * size))
                build(native=True).broadcast(serving.connections, said[-1][1])
                assert connection.bufferedAmount <= 52 * size
                await quick.settle()
            assert quick.outcome.frames == said
            assert len(said) > 50

    on_loop(loop, main)


@each_loop
def test_broadcast_waits_behind_backlog(loop: str) -> None:
    """What a peer hasn't taken goes first, before there is too much of it and after."""

    async def main() -> None:
        async with Serving() as serving:
            peer = await serving.peer()
            connection = serving.connections[0]
            peer.reads = False
            said = []
            while not connection.is_slow or not said[-1][1].endswith(b"last"):
                is_last = connection.is_slow
                said.append((0x82, b"%05d" % len(said) * 1000 + b"last" * is_last))
                build(native=True).broadcast(serving.connections, said[-1][1])
                await asyncio.sleep(0)
            peer.reads = True
            await peer.settle()
            assert peer.outcome.frames == said

    on_loop(loop, main)


@each_loop
def test_broadcast_survives_cut_connections(loop: str) -> None:
    """Connections whose peers have gone, which the system only tells now, keep nobody from it."""

    async def main() -> None:
        async with Serving() as serving:
            peers = [await serving.peer() for _ in range(10)]
            for peer in peers[::2]:
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.sock.close()
            build(native=True).broadcast(serving.connections, b"hello", True)
            for peer in peers[1::2]:
                await peer.settle()
                assert peer.outcome.frames == [(0x82, b"hello")]
            states = [connection.readyState for connection in serving.connections]
            assert states == [serving.connections[0].CLOSED, serving.connections[0].OPEN] * 5

    on_loop(loop, main)


PHRASE = random.Random(7).randbytes(60)


@each_loop
def test_broadcast_compresses_for_each_kind(loop: str) -> None:
    """Whoever has agreed to compression gets it so, with the window agreed, between messages of his own."""
    offers = ["", "permessage-deflate", "permessage-deflate; server_max_window_bits=9"]

    async def main() -> None:
        async with Serving(perMessageDeflate=True) as serving:
            peers = [await serving.peer(extensions=offer) for offer in offers * 3]
            inflates = [zlib.decompressobj(-bits) for bits in (15, 12, 9) * 3]
            # What has been said before is referred to where it lies, in the peer's window.
            said = [PHRASE + random.Random(number).randbytes(40 + number) for number in range(6)]
            for number, data in enumerate([*said, b"short", *said]):
                if number % 3:
                    build(native=True).broadcast(serving.connections, data)
                else:
                    for connection in serving.connections:
                        connection.send(data)
                for peer in peers:
                    await peer.settle()
            for peer, inflate in zip(peers, inflates, strict=True):
                got = []
                for first, payload in peer.outcome.frames:
                    is_compressed = peer.head != twins.HEAD and payload != b"short"
                    assert first == (0xC2 if is_compressed else 0x82)
                    got.append(inflate.decompress(payload + b"\0\0\xff\xff") if is_compressed else payload)
                assert got == [*said, b"short", *said]

    on_loop(loop, main)


TAIL = b"\x00\x00\xff\xff"
#: What is deflated: nothing, little, much, just what is allowed, and more; text and not.
CONTENTS = (
    (0x81, b""),
    (0x81, "héllo, héllo".encode()),
    (0x82, b"\xff\x00" * 60),
    (0x82, random.Random(5).randbytes(5000)),
    (0x81, b"a" * 20_000),
    (0x82, bytes(MAX_SIZE)),
    (0x82, bytes(MAX_SIZE + 1)),
    (0x82, bytes(20 * MAX_SIZE)),
    (0x81, b"a" * 50 + b"\xff" + b"a" * 50),
)


class Deflating:
    """A client's compression, which does all that it may, and more."""

    def __init__(self, *, takeover: bool) -> None:
        self.takeover = takeover
        self.deflate = zlib.compressobj(wbits=-15)
        self.said = b""

    def frames(self, content: tuple[int, bytes], how: str) -> bytes:
        """Return the frames of a message."""
        first, data = content
        if how not in ("plain", "corrupt"):
            self.said = (self.said + data)[-(2**15) :]
        if not self.takeover:
            self.deflate = zlib.compressobj(wbits=-15)
        match how:
            case "plain":
                return frame(first, data[:MAX_SIZE])
            case "final":
                payload = self.deflate.compress(data) + self.deflate.flush() + b"\0"
                # The window goes on.
                self.deflate = zlib.compressobj(wbits=-15, zdict=self.said)
                return frame(first | 0x40, payload)
            case "fragments":
                half = len(data) // 2
                parts = [self.flushed(data[:half]), self.flushed(data[half:]).removesuffix(TAIL)]
                return frame(first & 0x7F | 0x40, parts[0]) + frame(0x80, parts[1])
            case "cut":
                return frame(first | 0x40, self.flushed(data)[:-6])
            case "two":
                # Behind a final block there is another one, which ends as the whole message does.
                payload = self.deflate.compress(data) + self.deflate.flush()
                self.deflate = zlib.compressobj(wbits=-15)
                return frame(first | 0x40, payload + self.flushed(data).removesuffix(TAIL))
            case "corrupt":
                return frame(first | 0x40, b"\xff" * 9)
        return frame(first | 0x40, self.flushed(data).removesuffix(TAIL))

    def flushed(self, data: bytes) -> bytes:
        """Deflate a part of a message."""
        return self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH)


HOW = ("", "", "", "", "", "plain", "final", "fragments", "two", "cut", "corrupt")


@st.composite
def deflated_conversations(draw: st.DrawFn, *, takeover: bool) -> Writes:
    """Draw what a peer writes that compresses."""
    deflating = Deflating(takeover=takeover)
    said = st.lists(st.tuples(st.sampled_from(CONTENTS), st.sampled_from(HOW)), min_size=1, max_size=6)
    stream = b"".join(deflating.frames(content, how) for content, how in draw(said))
    cuts = draw(st.lists(st.integers(0, len(stream)), max_size=3))
    return Writes(stream[start:end] for start, end in itertools.pairwise(sorted({0, len(stream), *cuts})))


each_takeover = pytest.mark.parametrize("takeover", [True, False])


@each_takeover
@settings(max_examples=150)
@given(data=st.data(), script=scripts)
def test_deflated_events_are_alike(takeover: bool, data: st.DataObject, script: dict[int, str]) -> None:
    """With compression listeners are told the same as well, and the peer gets the same bytes."""
    native, pure = on_both(
        "asyncio",
        functools.partial(twins.events, script),
        data.draw(deflated_conversations(takeover=takeover)),
        "permessage-deflate",
        maxPayload=MAX_SIZE,
        perMessageDeflate={
            "clientNoContextTakeover": not takeover,
            "serverNoContextTakeover": not takeover,
        },
    )

    check_alike(native, pure)


@settings(max_examples=100)
@given(writes=deflated_conversations(takeover=True), handle=st.sampled_from([twins.echoes, twins.streams]))
def test_deflated_coroutines_are_alike(handle: Callable[..., Any], writes: list[bytes]) -> None:
    """With compression handlers receive the same as well."""
    native, pure = on_both(
        "asyncio",
        functools.partial(twins.coroutines, handle),
        writes,
        "permessage-deflate",
        max_size=MAX_SIZE,
        compression="deflate",
    )

    assert native.told == pure.told
    both = min(len(native.data_frames), len(pure.data_frames))
    assert native.data_frames[:both] == pure.data_frames[:both]
    assert (native.logged, native.is_over) == (pure.logged, pure.is_over)


def test_deflate_limits_are_those_of_python() -> None:
    """Without a limit, and with one of no fragments at all, messages are what they are to the definition."""
    writes = [Deflating(takeover=True).frames(content, "") for content in CONTENTS[:3]]
    for options in (
        {"maxPayload": None},
        {"maxPayload": 2**63 - 2},
        {"limits": Limits(fragments=0)},
    ):
        native, pure = on_both(
            "asyncio",
            functools.partial(twins.events, {1: "send", 2: "send"}),
            writes,
            "permessage-deflate",
            perMessageDeflate=True,
            **options,
        )
        assert (native.told, native.frames, native.logged) == (pure.told, pure.frames, pure.logged)


def test_window_outlives_final_block() -> None:
    """What the engine has inflated may be referred to behind a final block, however much it was."""
    deflating = Deflating(takeover=True)
    said = [(0x82, random.Random(number).randbytes(200 + number)) for number in range(200)]
    writes = []
    for number, content in enumerate(said):
        writes.append(deflating.frames(content, "final" if number % 70 == 69 else ""))
        writes.append(deflating.frames(said[max(number - 20, 0)], ""))
    native, pure = on_both(
        "asyncio", functools.partial(twins.events, {}), writes, "permessage-deflate", perMessageDeflate=True
    )

    assert sum(told[0] == "message" for told in native.told) == 2 * len(said)
    assert native.told == pure.told
