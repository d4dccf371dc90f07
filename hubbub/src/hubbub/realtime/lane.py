"""Keeps one author's writes to one stream in order, even when some are refused.

Invariants:

1. A write begins only when the one before it has ended.
2. After a write was refused for a reason that may pass, every later one is refused for the same reason, until
   the first is sent again or given up.  Otherwise an outbox that was sent at once would overtake itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Posted
from hubbub.wire import Send

log = logging.getLogger(__name__)


class _Refused(NamedTuple):
    nonce: str
    reason: ChatError


class Lane:
    """The writes of one connection to one stream.

    `write` does one; `answer` is called once for each, with where it is or why it isn't done.
    """

    def __init__(
        self,
        write: Callable[[Send], Awaitable[Posted]],
        answer: Callable[[Send, Posted | ChatError], None],
    ) -> None:
        self._write = write
        self._answer = answer
        self._waiting: deque[Send] = deque()
        self._refused: _Refused | None = None
        self._is_writing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def unanswered(self) -> int:
        """How many writes were taken and not answered yet."""
        return len(self._waiting) + self._is_writing

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and nothing is held up."""
        return self._task is None and self._refused is None

    def offer(self, send: Send, admit: Callable[[], ChatError | None]) -> None:
        """Take a write, which is answered in its turn; `admit` may refuse one that the lane doesn't."""
        if self._refused is not None and self._refused.nonce != send.n:
            self._answer(send, self._refused.reason)
        elif (reason := admit()) is not None:
            # What was taken before stays ahead of it.
            self._refuse(send, reason)
        else:
            self._refused = None
            self._waiting.append(send)
            if self._task is None:
                self._task = asyncio.create_task(self._work())

    def skip(self, nonce: str) -> None:
        """Let later writes go on without a refused one."""
        if self._refused is not None and self._refused.nonce == nonce:
            self._refused = None

    async def settle(self) -> None:
        """Wait until everything that was taken is answered."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def cancel(self) -> None:
        """Take up nothing more, and answer nothing more; what is under way may be done all the same."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:
                send = self._waiting.popleft()
                outcome = await self._try(send)
                if isinstance(outcome, ChatError):
                    self._refuse(send, outcome)
                    self._refuse_the_rest(outcome)
                else:
                    self._answer(send, outcome)
        finally:
            self._task = None

    async def _try(self, send: Send) -> Posted | ChatError:
        self._is_writing = True
        try:
            return await self._write(send)
        except ChatError as reason:
            return reason
        except Exception:
            log.exception("a write failed")
            return ChatError(Code.INTERNAL)
        finally:
            self._is_writing = False

    def _refuse(self, send: Send, reason: ChatError) -> None:
        if reason.retry:
            self._refused = _Refused(send.n, reason)
        self._answer(send, reason)

    def _refuse_the_rest(self, reason: ChatError) -> None:
        while reason.retry and self._waiting:
            self._answer(self._waiting.popleft(), reason)
