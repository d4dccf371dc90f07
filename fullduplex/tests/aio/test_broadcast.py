"""One message to many connections."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from fullduplex.aio.broadcast import broadcast
from fullduplex.exceptions import ConnectionClosedError
from fullduplex.protocol.extensions import permessage_deflate
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.testing import ConnectionPair, connection_pair

pytestmark = pytest.mark.asyncio(loop_factories=["virtual"])


async def test_broadcast_reaches_everyone() -> None:
    """Every connection gets text and binary, in order."""
    async with contextlib.AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(connection_pair()) for _ in range(5)]
        messages: list[Any] = ["发送数据", b"\x00\xff", bytearray(b"bytes"), memoryview(b"view")[1:]]
        for message in messages:
            broadcast([pair.server for pair in pairs], message)

        for pair in pairs:
            assert [await pair.client.recv() for _ in messages] == ["发送数据", b"\x00\xff", b"bytes", b"iew"]


async def test_broadcast_passes_over_closed() -> None:
    """Connections that are closing or closed are passed over, and stop nobody."""
    async with connection_pair() as closed, connection_pair() as closing, connection_pair() as open_one:
        await closed.client.close()
        closing.to_client.stall()
        closing.server.start_close()
        broadcast([closed.server, closing.server, open_one.server], "hello")

        assert await open_one.client.recv() == "hello"


async def test_broadcast_waits_for_nobody() -> None:
    """A peer that doesn't keep up has what it hasn't taken in its own buffer."""
    async with connection_pair(compression=None) as slow, connection_pair(compression=None) as quick:
        slow.to_client.stall()
        for number in range(100):
            broadcast({slow.server, quick.server}, str(number) * 10_000)
            assert await quick.client.recv() == str(number) * 10_000

        assert slow.server.buffered_amount > 1_000_000
        assert quick.server.buffered_amount == 0


@pytest.mark.parametrize("message", [None, 1, ["text"], object()])
async def test_broadcast_checks_type(message: Any) -> None:
    """A message of a wrong type is refused before anybody gets it, even if there is nobody."""
    async with connection_pair() as pair:
        for connections in ([], [pair.server]):
            with pytest.raises(TypeError):
                broadcast(connections, message)
        await pair.server.send("fine")

        assert await asyncio.wait_for(pair.client.recv(), 1) == "fine"


TAKEOVERS = [
    {},
    {"server_no_context_takeover": True},
    {"server_max_window_bits": 9},
    {"server_max_window_bits": 8, "client_max_window_bits": 8},
]


async def test_broadcast_compresses_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections of one kind share a compressed frame; their own messages before and after it are right."""
    made: list[Any] = []
    alone = permessage_deflate.PerMessageDeflate.encode_alone
    monkeypatch.setattr(
        permessage_deflate.PerMessageDeflate,
        "encode_alone",
        lambda extension, data: made.append(extension) or alone(extension, data),
    )
    async with contextlib.AsyncExitStack() as stack:
        pairs = [
            await stack.enter_async_context(connection_pair(compression=PerMessageDeflateFactory(**takeover)))
            for takeover in TAKEOVERS
            for _ in range(3)
        ]
        plain = await stack.enter_async_context(connection_pair(compression=None))
        everyone = [*(pair.server for pair in pairs), plain.server]
        messages = [f"{number} " + "the same words again and again " * 20 for number in range(9)]
        for number, message in enumerate(messages):
            if number % 3:
                broadcast(everyone, message)
            else:
                for connection in everyone:
                    await connection.send(message)
        for pair in [*pairs, plain]:
            assert [await pair.client.recv() for _ in messages] == messages

    # Three windows: 12 bits with context takeover and without are alike for this.
    assert len(made) == 6 * 3


async def test_broadcast_needs_no_compression() -> None:
    """Short messages go out as they are, and any where that is asked for."""
    async with connection_pair() as pair:
        for message, compress in (("short", None), ("x" * 1000, False)):
            taken = pair.server.bytes_taken
            broadcast([pair.server], message, compress=compress)
            assert await pair.client.recv() == message
            assert pair.server.bytes_taken - taken > len(message)


async def test_clients_broadcast_too() -> None:
    """Connections of clients mask the message, each with a key of its own."""
    async with connection_pair() as one, connection_pair() as other:
        broadcast([one.client, other.client], "from clients", text=False)

        assert [await pair.server.recv() for pair in (one, other)] == [b"from clients"] * 2


@contextlib.asynccontextmanager
async def slow_pair(**options: Any) -> Any:
    """Give a pair whose client takes nothing, and whose server's write buffer is full."""
    async with connection_pair(compression=None, write_limit=1000, ping_interval=None, **options) as pair:
        pair.to_client.stall()
        pair.server.send_nowait("x" * 2000)
        await asyncio.sleep(0)
        assert pair.server.is_slow
        yield pair


async def received(pair: ConnectionPair) -> list[Any]:
    """Let the client take what waits for it, and return that."""
    pair.to_client.resume()
    await pair.server.send("the end")
    assert len(await pair.client.recv()) == 2000
    messages = []
    while (message := await pair.client.recv()) != "the end":
        messages.append(message)
    return messages


async def test_oldest_are_dropped() -> None:
    """A slow peer gets the newest messages, in order; the backlog is bounded."""
    async with slow_pair() as pair:
        for number in range(1000):
            broadcast([pair.server], str(number), when_slow="drop_oldest", backlog=5)
        assert pair.server.buffered_amount < 2100

        assert await received(pair) == [str(number) for number in range(995, 1000)]


async def test_keys_are_conflated() -> None:
    """A slow peer gets the last message of each key."""
    async with slow_pair() as pair:
        for number in range(1000):
            broadcast([pair.server], f"{number % 3}: {number}", when_slow="conflate", key=number % 3)

        assert await received(pair) == ["0: 999", "1: 997", "2: 998"]


async def test_slow_peer_is_closed() -> None:
    """A slow peer is closed with 1013, a quick one isn't."""
    async with slow_pair() as slow, connection_pair() as quick:
        broadcast([slow.server, quick.server], "hello", when_slow="close")
        assert await quick.client.recv() == "hello"
        slow.to_client.resume()
        assert len(await slow.client.recv()) == 2000
        with pytest.raises(ConnectionClosedError) as caught:
            await slow.client.recv()

        assert caught.value.received.code == 1013


async def test_policies_spare_the_quick() -> None:
    """Who keeps up gets everything, whatever the policy."""
    async with connection_pair() as pair:
        for number in range(50):
            broadcast([pair.server], str(number), when_slow="drop_oldest", backlog=1)
            broadcast([pair.server], str(number), when_slow="conflate", key="same")
            broadcast([pair.server], str(number), when_slow="close")
            assert [await pair.client.recv() for _ in range(3)] == [str(number)] * 3


async def test_own_messages_are_not_dropped() -> None:
    """What is sent to one connection waits its turn among what may be dropped, and is kept."""
    async with slow_pair() as pair:
        for number in range(10):
            broadcast([pair.server], str(number), when_slow="drop_oldest", backlog=2)
            if number in (3, 7):
                pair.server.send_nowait(f"own {number}")

        assert await received(pair) == ["own 3", "own 7", "8", "9"]


@pytest.mark.parametrize("raise_exceptions", [False, True])
async def test_unlimited_slowness_is_cut(raise_exceptions: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Without a policy a slow peer is cut at its buffer limit, which is told, and others are served."""
    async with slow_pair(buffer_limit=10_000) as slow, connection_pair() as quick:
        with contextlib.suppress(ExceptionGroup) as _, contextlib.ExitStack() as stack:
            if raise_exceptions:
                stack.enter_context(pytest.raises(ExceptionGroup))
            for _ in range(20):
                broadcast([slow.server, quick.server], "x" * 1000, raise_exceptions)
                assert await quick.client.recv() == "x" * 1000
        assert await quick.client.recv() == "x" * 1000 if raise_exceptions else True
        await slow.server.wait_closed()

        assert slow.server.close_code == 1006
        assert ("skipped a connection" in caplog.text) is not raise_exceptions


@pytest.mark.parametrize(
    "options",
    [
        {"when_slow": "wait"},
        {"when_slow": "conflate"},
        {"when_slow": "drop_oldest", "key": 1},
        {"key": 1},
        {"when_slow": "drop_oldest", "backlog": 0},
    ],
)
async def test_policies_are_checked(options: dict[str, Any]) -> None:
    """A policy that makes no sense is refused, even if there is nobody."""
    with pytest.raises(ValueError):
        broadcast([], "hello", **options)


async def test_broadcast_counts_who_is_there() -> None:
    """A set that changes meanwhile, by what a connection does that has become slow, is served as it was."""
    async with connection_pair(compression=None) as slow, connection_pair(compression=None) as quick:
        everyone = {slow.server, quick.server}
        slow.to_client.stall()
        slow.server.writing_paused = everyone.clear  # type: ignore[method-assign]
        broadcast(everyone, b"x" * 100_000)

        assert everyone == set()
        assert await quick.client.recv() == b"x" * 100_000
