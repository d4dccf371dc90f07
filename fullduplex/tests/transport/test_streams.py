"""What asyncio's transports tell reaches the connection."""

from __future__ import annotations

import asyncio
from typing import Any

from fullduplex.transport import streams
from fullduplex.transport.streams import StreamProtocol


class Notebook:
    """A connection that notes what it is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.told: list[tuple[Any, ...]] = []

    def data_received(self, data: memoryview | bytes) -> None:
        """Note bytes."""
        self.told.append(("data", bytes(data)))

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.told.append((name, *arguments))


async def test_events_are_passed_on() -> None:
    """Each event of the transport becomes one of the connection's."""
    notebook = Notebook(asyncio.get_running_loop())
    protocol = StreamProtocol(notebook)
    error = ConnectionResetError()
    # uvloop's transports are of no class that asyncio knows.
    transport = object()
    protocol.connection_made(transport)
    protocol.get_buffer(-1)[:5] = b"Hello"
    protocol.buffer_updated(3)
    protocol.data_received(b"Bye")
    protocol.pause_writing()
    protocol.resume_writing()
    protocol.eof_received()
    protocol.connection_lost(error)

    assert notebook.told == [
        ("connection_made", transport),
        ("data", b"Hel"),
        ("data", b"Bye"),
        ("pause_writing",),
        ("resume_writing",),
        ("eof_received",),
        ("connection_lost", error),
    ]


async def test_end_closes_transport() -> None:
    """asyncio is told to close our side too: it is what a false answer means."""
    assert not StreamProtocol(Notebook(asyncio.get_running_loop())).eof_received()


async def test_loop_shares_buffer() -> None:
    """A thousand connections of one loop read into one buffer, those of another loop into another."""
    loop, other = asyncio.get_running_loop(), asyncio.new_event_loop()
    other.close()
    first, second, foreign = (StreamProtocol(Notebook(of)) for of in (loop, loop, other))

    assert first.get_buffer(-1).obj is second.get_buffer(-1).obj
    assert first.get_buffer(-1).obj is not foreign.get_buffer(-1).obj
    assert len(first.get_buffer(-1)) == streams.READ_SIZE


async def test_buffer_dies_with_loop() -> None:
    """A loop that is gone leaves no buffer behind."""
    loop = asyncio.new_event_loop()
    StreamProtocol(Notebook(loop))
    assert loop in streams._buffers
    loop.close()
    count = len(streams._buffers)
    del loop

    assert len(streams._buffers) == count - 1
