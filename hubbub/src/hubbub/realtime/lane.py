"""Keeps one author's writes in order, even when some are refused.

Knows of a write its nonce, and how to do it.

Invariants:

1. A write begins only when the one before it has ended.
2. After a write was refused for a reason that may pass, every later one is refused for the same reason, until
   the first is sent again or given up.  Otherwise an outbox that was sent at once would overtake itself.
   That is so unless the lane `holds_up` nothing: where no write goes before another for its author.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from hubbub import wire
from hubbub.domain.errors import ChatError, Code
from hubbub.realtime import showing

log = logging.getLogger(__name__)


class Write(NamedTuple):
    """A request that changes something: its number, its nonce, and what does it and returns the answer."""

    request: int
    nonce: str
    do: Callable[[], Awaitable[wire.Reply]]


class _Refused(NamedTuple):
    nonce: str
    reason: ChatError


class Lane:
    """Writes of one connection that are done one after another; `answer` is called once for each.

    `idled` is called when nothing is under way any longer, and nothing is held up.
    """

    __slots__ = ("_answer", "_holds_up", "_idled", "_is_writing", "_refused", "_task", "_waiting")

    def __init__(
        self,
        answer: Callable[[wire.Reply], None],
        *,
        holds_up: bool = True,
        idled: Callable[[], object] = lambda: None,
    ) -> None:
        self._answer = answer
        self._idled = idled
        self._holds_up = holds_up
        self._waiting: deque[Write] = deque()
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

    def offer(self, write: Write, admit: Callable[[], ChatError | None]) -> None:
        """Take a write, which is answered in its turn; `admit` may refuse one that the lane doesn't."""
        if self._refused is not None and self._refused.nonce != write.nonce:
            self._say_no(write, self._refused.reason)
        elif (reason := admit()) is not None:
            # What was taken before stays ahead of it.
            self._refuse(write, reason)
        else:
            self._refused = None
            self._waiting.append(write)
            if self._task is None:
                self._task = asyncio.create_task(self._work())

    def skip(self, nonce: str) -> None:
        """Let later writes go on without a refused one."""
        if self._refused is not None and self._refused.nonce == nonce:
            self._refused = None
            self._tell_if_idle()

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
                write = self._waiting.popleft()
                outcome = await self._try(write)
                if isinstance(outcome, ChatError):
                    self._refuse(write, outcome)
                    self._refuse_the_rest()
                else:
                    self._answer(outcome)
        finally:
            self._task = None
            self._tell_if_idle()

    def _tell_if_idle(self) -> None:
        if self.is_idle:
            self._idled()

    async def _try(self, write: Write) -> wire.Reply | ChatError:
        self._is_writing = True
        try:
            return await write.do()
        except ChatError as reason:
            return reason
        except Exception:
            log.exception("a write failed")
            return ChatError(Code.INTERNAL)
        finally:
            self._is_writing = False

    def _refuse(self, write: Write, reason: ChatError) -> None:
        if reason.retry and self._holds_up:
            self._refused = _Refused(write.nonce, reason)
        self._say_no(write, reason)

    def _refuse_the_rest(self) -> None:
        while self._refused is not None and self._waiting:
            self._say_no(self._waiting.popleft(), self._refused.reason)

    def _say_no(self, write: Write, reason: ChatError) -> None:
        self._answer(showing.error(reason, write.request))
