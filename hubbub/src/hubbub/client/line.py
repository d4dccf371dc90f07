"""Runs the sync engine on connections: the loop's clock, the bytes and the waiting.

Decides nothing: when to connect, what to say and when to give up, the engine knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from fullduplex import ClientConnection, ConnectionClosed, InvalidStatus, WebSocketException, connect
from hubbub import wire
from hubbub.client.link import State
from hubbub.client.sync import Sync

OPEN_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 2.0
SEND_TIMEOUT: Final = 30.0
"""Seconds after which a server that takes nothing is taken for dead."""
ANSWER_BYTES: Final = 8 * 1024 * 1024
"""More than any answer may have, escaped and with the names of its authors."""

# What a server, or what stands before it, says of trouble that passes.
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class Line:
    """The way to the server at `address`; `learned` is called when the engine has news."""

    def __init__(self, address: str, sync: Sync, learned: Callable[[], None]) -> None:
        self._address = address
        self._sync = sync
        self._learned = learned
        self._loop = asyncio.get_running_loop()
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Let what the engine has to say be said."""
        self._stirred.set()
        self._learned()

    async def run(self) -> None:
        """Connect again and again, until the session has ended for good."""
        while self._sync.state is not State.ENDED:
            await asyncio.sleep((self._sync.connect_at or 0.0) - self._loop.time())
            await self._try_once()
            self._learned()

    async def _try_once(self) -> None:
        code, reason = None, ""
        try:
            code, reason = await self._converse()
        except (OSError, TimeoutError) as error:
            reason = str(error)
        except WebSocketException as error:
            if not _passes(error):
                self._sync.end("never", str(error))
                return
            reason = str(error)
        self._sync.disconnected(code, reason, self._loop.time())

    async def _converse(self) -> tuple[int | None, str]:
        async with connect(
            self._address,
            subprotocols=[wire.SUBPROTOCOL],
            compression=None,
            max_size=ANSWER_BYTES,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            # The protocol has a heartbeat of its own.
            ping_interval=None,
        ) as connection:
            self._sync.connected(self._loop.time())
            tasks = {asyncio.create_task(each) for each in (self._read(connection), self._write(connection))}
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ends = await asyncio.gather(*tasks, return_exceptions=True)
            for end in ends:
                if isinstance(end, Exception) and not isinstance(end, ConnectionClosed):
                    raise end
        return connection.close_code, connection.close_reason or ""

    async def _read(self, connection: ClientConnection) -> None:
        async for message in connection:
            if isinstance(message, str):
                self._sync.frame_received(message, self._loop.time())
                self.stir()

    async def _write(self, connection: ClientConnection) -> None:
        with suppress(TimeoutError):
            await self._write_while_alive(connection)
        # Whoever says or takes nothing doesn't answer a goodbye either, which would be waited for.
        connection.abort()

    async def _write_while_alive(self, connection: ClientConnection) -> None:
        while not self._sync.is_dead(self._loop.time()):
            self._sync.tick(self._loop.time())
            for frame in self._sync.take_frames():
                async with asyncio.timeout(SEND_TIMEOUT):
                    await connection.send(frame)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._sync.due()):
                    await self._stirred.wait()
            self._stirred.clear()


def _passes(error: WebSocketException) -> bool:
    if isinstance(error, InvalidStatus):
        return error.response.status_code in _PASSING
    return isinstance(error, ConnectionClosed) or isinstance(error.__cause__, OSError | EOFError)
