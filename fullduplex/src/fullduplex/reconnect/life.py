"""A life over several connections: open, resume, stay, judge, wait, and again.

``connections`` is the loop, and ``Pace`` its waiting; ``Life`` adds what a face
shows of them that is one connection to its program.  What opens a
connection, and what is done while there is one, is the faces'.

Invariants:

1. The states are told in their order, and Stopped is the last.
2. While ``Life.connection`` is None, no connection is open, but for one that isn't resumed yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from ..exceptions import ConnectionClosed, ConnectionClosedOK, without_frames
from ..protocol.headers import Headers
from .outbox import Outbox
from .policy import (
    STEADY_AFTER,
    Connected,
    Connecting,
    Reconnect,
    ReconnectState,
    Stopped,
    Waiting,
    retry_after,
)

if TYPE_CHECKING:
    from ..transport.connection import Connection

__all__ = ["Life", "Pace", "called", "connections", "fresh_headers"]

C = TypeVar("C", bound="Connection")
Tell: TypeAlias = Callable[[ReconnectState], object]


async def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function, and wait for its result if that is to be waited for."""
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result


async def fresh_headers(policy: Reconnect, headers: Headers) -> Headers:
    """Return headers with the policy's for this attempt in place of those with the same name."""
    if policy.headers is None:
        return headers
    fresh = Headers(await called(policy.headers))
    kept = [line for line in headers.raw_items() if line[0] not in fresh]
    return Headers([*kept, *fresh.raw_items()])


class Pace:
    """Waits between one connection and the next, as a policy says.

    Args:
        policy: judges, and makes the delays.
        logger: is told of each wait.
        tell: is told of it too.
    """

    def __init__(self, policy: Reconnect, logger: logging.Logger, tell: Tell) -> None:
        self._policy = policy
        self._logger = logger
        self._tell = tell
        self._begin_anew(1)

    def _begin_anew(self, attempt: int) -> None:
        self._delays = self._policy.delays()
        #: The number of the attempt under way, or to come.
        self.attempt = attempt

    async def wait_to_retry(self, failure: Exception) -> None:
        """Wait after a failure, or a connection that was lost.

        Raises:
            Exception: the failure itself, or what the policy makes of it, if there are to be no more
                attempts.
        """
        fatal = self._policy.judge(failure)
        if fatal is failure:
            raise failure
        if fatal is not None:
            raise fatal from failure
        delay = next(self._delays, None)
        if delay is None or self.attempt == self._policy.attempts:
            raise failure
        self.attempt += 1
        delay = max(delay, retry_after(failure))
        kind = type(failure).__name__
        self._logger.info("connecting again in %.1f seconds: %s: %s", delay, kind, failure)
        self._tell(Waiting(delay, self.attempt, without_frames(failure)))
        await asyncio.sleep(delay)

    async def wait_after(self, end: ConnectionClosed, seconds: float) -> None:
        """Wait after a connection that was open for ``seconds``; not at all if we closed it."""
        if _is_ours(end):
            self._begin_anew(1)
            return
        if seconds >= STEADY_AFTER:
            self._begin_anew(0)
        await self.wait_to_retry(end)


def _is_ours(end: ConnectionClosed) -> bool:
    """Tell whether a connection ended because we closed it."""
    return isinstance(end, ConnectionClosedOK) and end.received_first is False


async def connections(
    policy: Reconnect,
    open_connection: Callable[[], Awaitable[C]],
    logger: logging.Logger,
    tell: Tell = lambda state: None,
) -> AsyncGenerator[C, None]:
    """Yield one connection after the other, each when the one before is closed.

    Raises:
        Exception: what ends it.
    """
    clock = asyncio.get_running_loop().time
    pace = Pace(policy, logger, tell)
    while True:
        tell(Connecting(pace.attempt))
        try:
            connection = await open_connection()
        except Exception as failure:
            await pace.wait_to_retry(failure)
            continue
        opened_at = clock()
        yield connection
        await pace.wait_after(connection.codec.close_exception, clock() - opened_at)


class Life(Generic[C]):
    """What a face that comes back has of its connections.

    Args:
        policy: says how it comes back.
        logger: is told of each wait.
        tell: is called with each new state, before the policy's ``on_state``.
    """

    def __init__(self, policy: Reconnect, logger: logging.Logger, tell: Tell) -> None:
        self.status: ReconnectState = Connecting(1)
        #: The connection that is open, or was until a moment ago.
        self.connection: C | None = None
        #: How the last one ended.
        self.lost: ConnectionClosed | None = None
        #: True once the program has closed it: there won't be another connection.
        self.is_closing = False
        self.outbox = Outbox(policy.outbox, policy.outbox_size) if policy.outbox else None
        self.policy = policy
        self._logger = logger
        self._tell = tell
        self._times = 0

    async def run(
        self, open_connection: Callable[[], Awaitable[C]], stay: Callable[[C], Awaitable[None]]
    ) -> None:
        """Live until the end; whatever that is ends in ``status``.

        ``stay`` returns when its connection is closed.
        """
        cause: Exception | None = None
        try:
            cause = await self._run(open_connection, stay)
        except asyncio.CancelledError:
            if not self.is_closing:
                raise
        finally:
            self._change(Stopped(cause))

    async def _run(
        self, open_connection: Callable[[], Awaitable[C]], stay: Callable[[C], Awaitable[None]]
    ) -> Exception:
        each = connections(self.policy, open_connection, self._logger, self._change)
        try:
            async with contextlib.aclosing(each):
                async for connection in each:
                    await self._stay(connection, stay)
                    if self.is_closing:
                        break
        except Exception as error:
            return error
        assert self.lost is not None
        return self.lost

    async def _stay(self, connection: C, stay: Callable[[C], Awaitable[None]]) -> None:
        self.connection = connection
        self._times += 1
        self._change(Connected(self._times))
        try:
            await stay(connection)
        finally:
            self.connection = None
            self.lost = connection.codec.close_exception

    async def resume(self, connection: Any) -> None:
        """Let the program resume on a fresh connection."""
        if self.policy.resume is not None:
            await called(self.policy.resume, connection, self._times + 1)

    def _change(self, state: ReconnectState) -> None:
        self.status = state
        self._tell(state)
        if self.policy.on_state is None:
            return
        try:
            self.policy.on_state(state)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "on_state failed", "exception": error},
            )
