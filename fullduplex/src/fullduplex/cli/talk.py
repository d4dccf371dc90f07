"""What a conversation has in a terminal as in a script: its connection, its pings, and its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from ..aio.connection import ClientConnection
from ..close import Close, CloseCode
from ..exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK, PayloadTooBig
from .complaints import ABNORMAL
from .display import size_of

__all__ = ["Show", "Silence", "TalkingConnection", "ended", "leaving", "ping", "ping_regularly"]

#: Seconds that the server has to say goodbye after Ctrl-C.
GRACE = 1.0

Show = Callable[[str], None]


class TalkingConnection(ClientConnection):
    """A connection that tells of the server's pings, once ``show`` is set."""

    show: Show | None = None

    def ping_received(self, data: bytes) -> None:
        """Tell of a ping; it is answered already."""
        if self.show is not None:
            shown = f": {data[:32].hex(' ')}{' …' if len(data) > 32 else ''}" if data else ""
            self.show(f"ping, {size_of(data) if data else 'empty'}{shown}")


async def ping(connection: ClientConnection, data: bytes | None, show: Show) -> None:
    """Ping, and show how long it took; the end of the connection is others' to tell."""
    with contextlib.suppress(ConnectionClosed):
        try:
            latency = await connection.ping(data)
        except ConcurrencyError:
            show("that ping is still under way")
        else:
            show(f"pong after {1000 * await latency:.1f} ms")


async def ping_regularly(connection: ClientConnection, seconds: float, show: Show) -> None:
    """Ping every so many seconds, until cancelled."""
    while True:
        await asyncio.gather(ping(connection, None, show), asyncio.sleep(seconds))


class Silence:
    """A time in which nothing happens; None of it is never over."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._timeout: asyncio.Timeout | None = None

    async def wait(self) -> None:
        """Wait until nothing has happened for so long, from now on."""
        try:
            async with asyncio.timeout(self._seconds) as self._timeout:
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            self._timeout = None

    def broken(self) -> None:
        """Have the time begin anew, as something happened."""
        if self._timeout is not None and self._seconds is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)


@contextlib.asynccontextmanager
async def leaving(connection: ClientConnection) -> AsyncIterator[None]:
    """Close the connection with the block; who interrupts it doesn't wait long."""
    try:
        yield
    except BaseException:
        connection.start_close(CloseCode.GOING_AWAY)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await connection.wait_closed()
        connection.abort()
        raise
    await connection.close()


def ended(connection: ClientConnection, asked: Close | None = None) -> tuple[int, str]:
    """Return the exit status of a conversation whose connection is closed, and how that came.

    It ended well if it closed normally, or with the code that was ``asked`` for.
    """
    end = connection.codec.close_exception
    cause = end.__cause__
    how = f"{end}: {cause}" if cause is not None and str(cause) else str(end)
    if isinstance(cause, PayloadTooBig):
        how += "; --max-size allows for more"
    as_asked = asked is not None and end.sent == asked and end.received is not None
    return (0 if isinstance(end, ConnectionClosedOK) or as_asked else ABNORMAL), how
