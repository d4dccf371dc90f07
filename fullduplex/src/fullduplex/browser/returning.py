"""What makes a ``WebSocket`` come back: a life of several links.

When to come back is judged by ``reconnect``; what is told to listeners, and in
which state, is the face's.

Invariants:

1. Of a link, the face hears nothing before the program has resumed on it.
2. The face hears of the end once, after everything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..aio.connection import Message, payload_of
from ..close import CloseCode
from ..exceptions import ConcurrencyError, ConnectionClosed
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.url import URL
from ..reconnect.life import Life, called, fresh_headers
from ..reconnect.policy import Reconnect, ReconnectState, Stopped, Waiting
from .link import EVENTS_AHEAD, UNOPENED, Face, Link, Way

__all__ = ["Returning", "ReturningLink"]


class ReturningFace(Face, Protocol):
    """What is known of a ``WebSocket`` that comes back."""

    _url: URL

    def _begun(self, link: ReturningLink) -> None: ...

    def _lost(self) -> None: ...

    def _reconnecting(self, state: Waiting) -> None: ...


class ReturningLink(Link):
    """One of the links, which the program may talk with first."""

    def __init__(self, protocol: ClientProtocol, way: Way, face: ReturningFace, url: URL) -> None:
        super().__init__(protocol, way, face)
        self.url = url
        #: Code, reason and cause of its end, once there is one.
        self.end: tuple[int, str, BaseException | None] | None = None
        # What arrives before the face hears of it.
        self._early: deque[str | bytes] | None = deque()
        self._arrived = asyncio.Event()

    async def open(self) -> None:
        """Connect, and shake hands.

        Raises:
            Exception: whatever goes wrong, and what did by then if that opened and is over again.
        """
        await super().open()
        if self.end is not None and self.end[2] is not None:
            raise self.end[2]

    async def send(self, data: Message) -> None:
        """Send a message, while resuming, and wait until the network has taken enough.

        Raises:
            ConnectionClosed: if the connection closes, or is closed.
        """
        self.send_message(*payload_of(data), waits=True)
        await self.drain()

    async def recv(self) -> str | bytes:
        """Wait for the next message, while resuming.

        Raises:
            ConnectionClosed: when the connection is closed and nothing is left.
            ConcurrencyError: once the program has resumed.
        """
        while not self._early:
            if self._early is None:
                raise ConcurrencyError("resume() is over: messages go to the listeners of the WebSocket now")
            if self.end is not None:
                raise self.codec.close_exception
            self.resume_reading()
            self._arrived.clear()
            await self._arrived.wait()
        return self._early.popleft()

    def release(self) -> None:
        """Let the face hear of everything."""
        early, self._early = self._early, None
        self._arrived.set()
        self._add_turn(lambda face: face._opened())
        for data in early or ():
            self.message_received(data)
        if self.end is not None:
            self._end_turns()

    def _let_open(self) -> None:
        """Let nobody hear of it yet."""

    def message_received(self, data: str | bytes) -> None:
        """Let ``message`` have its turn, or the program resume with it."""
        if self._early is None:
            super().message_received(data)
            return
        self._early.append(data)
        self._arrived.set()
        if len(self._early) >= EVENTS_AHEAD:
            self.pause_reading()

    def closing(self) -> None:
        """Tell of nothing: what comes next depends on what is made of the end."""

    def _finish(self, code: int, reason: str, error: BaseException | None) -> None:
        self.end = code, reason, error
        self._arrived.set()
        if self._early is None:
            self._end_turns()

    def _end_turns(self) -> None:
        self._add_turn(lambda face: face._lost())
        self._is_over = True


class Returning:
    """The life of a ``WebSocket`` that comes back.

    Args:
        policy: says how.
        way: how each link is opened.
        face: the ``WebSocket``.
        read_url: reads an address that the policy gives.
        logger: is told of each wait.
    """

    def __init__(
        self,
        policy: Reconnect,
        way: Way,
        face: ReturningFace,
        read_url: Callable[[str], URL],
        logger: logging.Logger,
    ) -> None:
        self._life: Life[ReturningLink] = Life(policy, logger, self._tell)
        self._policy = policy
        self._way = way
        self._face = face
        self._read_url = read_url
        self._link: ReturningLink | None = None
        self.outbox = self._life.outbox

    @property
    def status(self) -> ReconnectState:
        """What is going on."""
        return self._life.status

    def end_with_link(self) -> ReturningLink | None:
        """Don't come back any more; return the link whose end is then the end, if there is one."""
        self._life.is_closing = True
        return self._life.connection

    def begin(self) -> asyncio.Task[None]:
        """Live, in a task; whatever goes wrong ends in the events."""
        task = self._face._loop.create_task(self._life.run(self._resumed, self._stay))
        # Not at the end of what the task runs: who is cancelled at once runs nothing.
        task.add_done_callback(lambda task: self._face._closed(*self._end()))
        return task

    async def _resumed(self) -> ReturningLink:
        """Open a link, and let the program resume on it."""
        async with asyncio.timeout(self._way.open_timeout):
            link = self._link = await self._make_link()
            try:
                await link.open()
            except BaseException as error:
                link.opening_failed(error)
                raise
        try:
            await self._resume(link)
        except asyncio.CancelledError:
            link.leave()
            raise
        return link

    async def _resume(self, link: ReturningLink) -> None:
        """Let the program resume on a link; one on which that fails is closed first."""
        try:
            await self._life.resume(link)
        except Exception:
            link.start_close(CloseCode.INTERNAL_ERROR)
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await link.recv()
            raise

    async def _make_link(self) -> ReturningLink:
        url = self._face._url
        if self._policy.uri is not None:
            url = self._read_url(await called(self._policy.uri))
        headers = await fresh_headers(self._policy, self._way.headers)
        return ReturningLink(self._way.protocol(url.uri, headers), self._way, self._face, url)

    async def _stay(self, link: ReturningLink) -> None:
        self._face._begun(link)
        link.release()
        await link.stay()

    def _tell(self, state: ReconnectState) -> None:
        if isinstance(state, Waiting):
            self._face._reconnecting(state)

    def _end(self) -> tuple[int, str, BaseException | None]:
        """Return code, reason and cause of the end."""
        cause = self.status.cause if isinstance(self.status, Stopped) else None
        if isinstance(cause, ConnectionClosed) and self._link is not None and self._link.end is not None:
            return self._link.end
        return CloseCode.ABNORMAL_CLOSURE, "", cause or ConnectionAbortedError(UNOPENED)
