"""Who waits for which answer: a write's, by its nonce, or a question's, by its number.

Knows what news answer what; not how anything is asked.

Invariants:

1. Each who waits gets one answer or one error, and none who has left is given anything.
2. A write's answer is there whether or not anybody waits for it still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from hubbub import wire
from hubbub.client.errors import RequestRefused, SessionEnded
from hubbub.client.news import Answered, News, Refused, Stored

Answer: TypeAlias = wire.Answer | wire.Result


class Answers:
    """The answers that somebody waits for."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._writes: dict[str, asyncio.Future[Answer]] = {}
        self._questions: dict[int, asyncio.Future[Answer]] = {}

    def expect_write(self, nonce: str) -> asyncio.Future[Answer]:
        """Return what becomes a write's answer."""
        future = self._writes[nonce] = self._loop.create_future()
        # It may fail when nobody waits any more.
        future.add_done_callback(look_at)
        return future

    def find_write(self, nonce: str) -> asyncio.Future[Answer] | None:
        """Return what becomes a write's answer, if somebody waits for that already."""
        return self._writes.get(nonce)

    @contextmanager
    def expect(self, number: int) -> Iterator[asyncio.Future[Answer]]:
        """Give what becomes a question's answer, as long as the context lasts."""
        future = self._questions[number] = self._loop.create_future()
        try:
            yield future
        finally:
            self._questions.pop(number, None)

    def give(self, news: News) -> bool:
        """Give news to who waits for them; say whether they are for nobody else."""
        match news:
            case Stored() if (future := self._writes.pop(news.nonce, None)) is not None:
                _resolve(future, news.answer)
            case Refused() if (future := self._writes.pop(news.nonce, None)) is not None:
                _resolve(future, news.error)
            case Answered():
                _resolve(self._questions.get(news.id), news.answer)
            case _:
                return False
        return True

    def fail(self, error: SessionEnded) -> None:
        """Let everybody know that there will be no answers."""
        for future in (*self._writes.values(), *self._questions.values()):
            if not future.done():
                future.set_exception(error)
        self._writes.clear()
        self._questions.clear()


def look_at(done: asyncio.Future[Any]) -> None:
    """Have an error seen: whoever waited for it may have left."""
    if not done.cancelled():
        done.exception()


def _resolve(future: asyncio.Future[Answer] | None, answer: Answer | wire.Err) -> None:
    if future is None or future.done():
        return
    if isinstance(answer, wire.Err):
        future.set_exception(RequestRefused(answer))
    else:
        future.set_result(answer)
