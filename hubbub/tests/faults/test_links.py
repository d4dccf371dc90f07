"""The network that fails: what it does to what passes, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from faults.links import CLEAR, HELD, LOST, Conditions, Network, Side, open_network

MUCH = bytes(range(256)) * 800


class Echo:
    """A server that says again what it hears, and the ends that it has seen."""

    def __init__(self) -> None:
        self.ends: asyncio.Queue[BaseException | None] = asyncio.Queue()
        self.heard = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say it again, to the end."""
        end: BaseException | None = None
        try:
            while said := await reader.read(1 << 16):
                self.heard += len(said)
                writer.write(said)
        except ConnectionError as error:
            end = error
        self.ends.put_nowait(end)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, Network]]:
    """Run a server behind a network."""
    echo = Echo()
    server = await asyncio.start_server(echo.converse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_network(f"http://127.0.0.1:{port}/path", seed=1) as network:
        yield echo, network


async def dial(network: Network) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect through a network."""
    port = network.address.removesuffix("/path").rpartition(":")[2]
    return await asyncio.open_connection("127.0.0.1", int(port))


async def converse(network: Network, said: bytes = MUCH) -> bytes:
    """Say something, and return what is heard up to the end."""
    reader, writer = await dial(network)
    writer.write(said)
    writer.write_eof()
    heard = await reader.read()
    writer.close()
    await writer.wait_closed()
    return heard


async def settle() -> None:
    """Let everything happen that can at this moment."""
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "conditions",
    [CLEAR, Conditions(delay=0.02), Conditions(loss=0.02), Conditions(rate=2e6)],
    ids=["clear", "late", "lossy", "narrow"],
)
async def test_everything_arrives_in_order(echo: Any, conditions: Conditions) -> None:
    """However slow it is, what arrives is what was said, and the end comes after it."""
    _, network = echo
    network.become(up=conditions, down=conditions)

    assert await converse(network) == MUCH
    assert network.carried == 1


async def test_delay_takes_its_time(echo: Any) -> None:
    """Bytes take so long in each direction."""
    _, network = echo
    loop = asyncio.get_running_loop()
    network.become(up=Conditions(delay=0.1), down=Conditions(delay=0.2))
    begin = loop.time()
    await converse(network, b"x")

    assert loop.time() - begin >= 0.3


async def test_narrow_way_takes_time(echo: Any) -> None:
    """No more bytes pass in a second than are said to."""
    _, network = echo
    loop = asyncio.get_running_loop()
    network.become(down=Conditions(rate=1000.0))
    begin = loop.time()
    await converse(network, bytes(200))

    assert loop.time() - begin >= 0.19


async def test_held_bytes_come_later(echo: Any) -> None:
    """While a direction is held nothing passes, and then everything does."""
    server, network = echo
    reader, writer = await dial(network)
    network.become(up=HELD)
    writer.write(b"later")
    await settle()
    held = server.heard
    network.become()
    heard = await reader.readexactly(5)
    writer.close()

    assert (held, heard) == (0, b"later")


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_lost_bytes_leave_silence(echo: Any, direction: str) -> None:
    """A direction that has lost something stays silent, and its connections end with the network."""
    server, network = echo
    reader, writer = await dial(network)
    network.become(**{direction: LOST})
    writer.write(b"lost")
    await settle()
    network.become()
    writer.write(b" and gone")
    waiting = asyncio.ensure_future(reader.read())
    await settle()
    heard_above = server.heard
    again = await converse(network, b"a new one")
    silent = not waiting.done()
    network.reset()
    with pytest.raises(ConnectionResetError):
        await waiting
    writer.close()

    assert silent
    assert heard_above == (0 if direction == "up" else 13)
    assert again == b"a new one"


async def test_reset_ends_both(echo: Any) -> None:
    """Both ends are told of a reset."""
    server, network = echo
    reader, writer = await dial(network)
    writer.write(b"x")
    await reader.readexactly(1)
    network.reset()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()

    assert isinstance(await server.ends.get(), ConnectionResetError)


@pytest.mark.parametrize("side", Side)
async def test_half_open_deceives_one(echo: Any, side: Side) -> None:
    """One end is told of the end, and the other goes on as if it were heard."""
    server, network = echo
    reader, writer = await dial(network)
    writer.write(b"x")
    await reader.readexactly(1)
    network.forget(side)
    if side is Side.SERVER:
        with pytest.raises(ConnectionResetError):
            await reader.read()
        await settle()
        deceived = server.ends.empty()
    else:
        assert isinstance(await server.ends.get(), ConnectionResetError)
        waiting = asyncio.ensure_future(reader.read())
        writer.write(MUCH)
        await writer.drain()
        deceived = not waiting.done()
        writer.close()
        await asyncio.wait([waiting])
    writer.close()

    assert deceived


async def test_reset_comes_after_bytes(echo: Any) -> None:
    """A connection is reset once the server has said so much."""
    _, network = echo
    network.reset_after(5000)
    with pytest.raises(ConnectionResetError):
        await converse(network)
    network.reset_after(float("inf"))

    assert await converse(network, b"x") == b"x"


async def test_refused_are_reset(echo: Any) -> None:
    """Who is refused doesn't reach the server, and who comes later does."""
    server, network = echo
    network.refuse()
    with pytest.raises(ConnectionResetError):
        await converse(network, b"x")
    heard = server.heard
    network.refuse(on=False)

    assert await converse(network, b"x") == b"x"
    assert heard == 0
