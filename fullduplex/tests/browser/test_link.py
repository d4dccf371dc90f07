"""The connection below a WebSocket: turns, what is read ahead, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

from fullduplex import serve
from fullduplex.browser import EVENTS_AHEAD, WebSocket

from ..aio.ends import accept_plainly
from .ends import CLOSED, FAILED, Recorder, plain_address, saying


async def test_message_is_own_turn() -> None:
    """Each event has a turn of its own, however many messages came in one piece."""
    async with plain_address(saying(b"\x81\x011\x81\x012\x88\x02\x03\xe8", size=8)) as url:
        recorder, turns = Recorder(WebSocket(url)), []

        def note(event: Any) -> None:
            turns.append(event.type)
            asyncio.get_running_loop().call_soon(turns.append, "turn")

        for kind in ("open", "message", "close"):
            recorder.ws.addEventListener(kind, note)
        recorder.ws.addEventListener("message", lambda event: event.data == "2" or turns.append("first"))
        await recorder.closed.wait()

    assert turns[:5] == ["open", "turn", "message", "first", "turn"]
    assert turns[5:7] == ["message", "turn"]


async def test_flood_is_not_read_ahead() -> None:
    """When many events wait for their turns nothing more is read; none is lost."""
    count = 20 * EVENTS_AHEAD

    async def flood(connection: Any) -> None:
        for number in range(count):
            await connection.send(str(number))
            await asyncio.sleep(0)

    async with serve(flood, "localhost", 0) as server:
        recorder = Recorder(WebSocket(f"ws://localhost:{server.sockets[0].getsockname()[1]}/"))
        paused = []
        pause = recorder.ws._link.pause_reading
        recorder.ws._link.pause_reading = lambda: (paused.append(True), pause())
        recorder.ws._link.message_received = lambda data, given=recorder.ws._link.message_received: (
            [given(data) for _ in range(EVENTS_AHEAD)]
        )
        seen = await recorder.end()

        assert paused
        assert len(seen) == count * EVENTS_AHEAD + 2
        assert [event[2] for event in seen[1:-1:EVENTS_AHEAD]] == [str(number) for number in range(count)]


async def test_close_that_stays_is_unclean() -> None:
    """If our answer to a Close frame couldn't go out, the end isn't clean; the peer's code is told."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader))
        writer.transport.pause_reading()
        await sent.wait()
        writer.write(b"\x88\x02\x0f\xa0")
        await asyncio.Event().wait()

    sent = asyncio.Event()
    async with plain_address(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))
        ws = await recorder.opened()
        ws.send(bytes(30_000_000))
        sent.set()
        link = ws._link
        link.closing = lambda given=link.closing: (given(), link.abort())
        assert (await recorder.end())[1:] == [("error", CLOSED), ("close", CLOSED, 4000, "", False)]
        assert ws.bufferedAmount > 0


async def test_shutdown_ends_closing(server: Any) -> None:
    """Who is closing when the loop is shut down doesn't wait for the answer."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    ws.close(4000)
    ws._life.cancel()

    assert (await recorder.end())[1:] == FAILED
