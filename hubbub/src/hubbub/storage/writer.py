"""The one writer: everything that changes the database goes through here, in the order in which it came.

Writes that wait while a commit is under way share the next one, so that the number of writes in a commit
settles by itself at what the disk can do.

Invariants:

1. Writes take effect in the order of the calls, and nobody hears of one before it is committed.
2. What is committed is announced, in the order of its numbers, even if nobody waits for it any more.
3. A write that fails takes no other with it: when a statement fails, the batch is undone and its writes are
   done again one by one.
4. When the database itself fails, every write of the batch fails: an error is never retried into a success.
   Only if it fails at the commit, it is looked up whether that did happen: what can be read then is on the
   disk.  If that can't be found out, and it did, the next commit announces it as well.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any, Final, Generic, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Event, StoredEvent
from hubbub.domain.models import Posted
from hubbub.domain.tally import Tally
from hubbub.storage import failures, posting, streams, transactions
from hubbub.storage.posting import Post
from hubbub.storage.streams import Asked, Known, NewEvent

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH: Final = 128
ATTEMPTS: Final = 3
"""How often a batch is done that another transaction was put before."""


class Transaction:
    """A transaction that writes, as a change sees it.

    `now` is the time that everything in the transaction happens at, in milliseconds since 1970.
    """

    def __init__(self, connection: AsyncConnection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.stored: list[StoredEvent] = []
        self.messages = 0

    async def append(self, stream: str, author: str, event: Event, asked: Asked | None = None) -> StoredEvent:
        """Store an event at the end of a stream."""
        [stored] = await self.append_all([NewEvent(stream, author, event, asked)])
        return stored

    async def append_all(self, new: Sequence[NewEvent]) -> list[StoredEvent]:
        """Store events at the ends of their streams."""
        stored = [event for event, _ in await streams.append(self.connection, new, self.now)]
        self.stored += stored
        return stored

    async def find(self, author: str, nonce: str, body_hash: bytes) -> Known | None:
        """Return what an author stored before under a nonce, if anything.

        Raises:
            ChatError: `nonce_reuse`, if something else was.
        """
        found = await streams.find_nonces(self.connection, [(author, nonce)])
        known = found.get((author, nonce))
        if known is not None and known.body_hash != body_hash:
            raise ChatError(Code.NONCE_REUSE)
        return known

    async def post(self, posts: Sequence[Post]) -> list[Posted | ChatError]:
        """Store messages, and say where each is, or why it is nowhere."""
        outcomes, stored = await posting.post_all(self.connection, posts, self.now)
        self.stored += stored
        self.messages += sum(isinstance(outcome, Posted) and not outcome.dup for outcome in outcomes)
        return outcomes


Change = Callable[[Transaction], Awaitable[T]]


class _Pending(Generic[T]):
    """A write that someone waits for; either a message or a change."""

    def __init__(self, post: Post | None, change: Change[T] | None) -> None:
        self.post = post
        self.change = change
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.outcome: T | Exception | None = None

    def settle(self) -> None:
        """Tell whoever still waits."""
        if self.done.done():
            return
        if isinstance(self.outcome, Exception):
            self.done.set_exception(self.outcome)
        else:
            self.done.set_result(cast("T", self.outcome))


class Writer:
    """Commits writes in batches.

    `announce` is called with the events of every commit and must not raise; `now` tells the time.
    """

    def __init__(
        self, writing: AsyncEngine, announce: Callable[[Sequence[StoredEvent]], None], now: Callable[[], int]
    ) -> None:
        self.tally = Tally()
        self._engine = writing
        self._announce = announce
        self._now = now
        self._waiting: deque[_Pending[Any]] = deque()
        self._doubted: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="writer")

    @property
    def waiting(self) -> int:
        """How many writes wait for the next commit."""
        return len(self._waiting)

    async def post(self, post: Post) -> Posted:
        """Store a message.

        Cancelling doesn't undo it: it may be stored all the same.

        Raises:
            ChatError: if it was not stored.
        """
        # _Pending[Posted](...) would take 0.9 µs longer.
        pending: _Pending[Posted] = _Pending(post, None)
        return await self._submit(pending)

    async def change(self, change: Change[T]) -> T:
        """Do several things in one transaction, all or none.

        The change may be called more than once, each time in a new transaction, and must do nothing else.

        Raises:
            ChatError: that of the change, or of the database.
        """
        return await self._submit(_Pending(None, change))

    def change_soon(self, change: Change[T]) -> asyncio.Future[T] | None:
        """Do what nobody need wait for when its turn comes; if it fails, the log says so.

        Once the writer is closing, it is left out.
        """
        if self._closing:
            return None
        done = self._enqueue(_Pending(None, change))
        done.add_done_callback(_ignore)
        return done

    async def close(self) -> None:
        """Refuse further writes and wait until those that came before are done."""
        self._closing = True
        self._wake.set()
        await self._task

    async def _submit(self, pending: _Pending[T]) -> T:
        if self._closing:
            raise ChatError(Code.UNAVAILABLE)
        return await self._enqueue(pending)

    def _enqueue(self, pending: _Pending[T]) -> asyncio.Future[T]:
        self._waiting.append(pending)
        self._wake.set()
        return pending.done

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            if batch := self._take():
                await self._store(batch)
            elif not self._closing:
                self._wake.clear()

    def _take(self) -> list[_Pending[Any]]:
        batch: list[_Pending[Any]] = []
        while self._waiting and len(batch) < BATCH:
            pending = self._waiting.popleft()
            # One that nobody waits for, and of which nothing was done, is as if it had never come.
            if not pending.done.cancelled():
                batch.append(pending)
        return batch

    async def _store(self, batch: Sequence[_Pending[Any]], attempts: int = ATTEMPTS) -> None:
        try:
            stored = await self._commit(batch)
        except Exception as error:
            if attempts > 1 and failures.is_lost_race(error):
                await self._store(batch, attempts - 1)
                return
            if len(batch) > 1 and failures.is_fault_of_one(error):
                for pending in batch:
                    await self._store([pending])
                return
            answer = failures.as_chat_error(error)
            for pending in batch:
                pending.outcome = answer
        else:
            self._announce(stored)
        for pending in batch:
            pending.settle()

    async def _commit(self, batch: Sequence[_Pending[Any]]) -> list[StoredEvent]:
        stored: list[StoredEvent] = []
        missed: list[StoredEvent] = []
        is_done, messages, begun = False, 0, time.perf_counter()

        async def do(connection: AsyncConnection) -> None:
            nonlocal stored, missed, is_done, messages
            missed = await self._read_doubted(connection)
            transaction = Transaction(connection, self._now())
            stored = transaction.stored
            await _do_all(transaction, batch)
            is_done, messages = True, transaction.messages

        try:
            await transactions.write(self._engine, do)
        except Exception as error:
            if not (is_done and await self._did_happen(stored)):
                self.tally.failures += 1
                for event in stored:
                    # The first of each stream comes first.
                    self._doubted.setdefault(event.stream, event.q - 1)
                raise
            log.warning("a commit did happen that was reported to fail: %s", error)
        self._doubted.clear()
        seconds = time.perf_counter() - begun
        self.tally.count(len(batch), seconds, events=len(missed) + len(stored), messages=messages)
        return missed + stored

    async def _did_happen(self, stored: Sequence[StoredEvent]) -> bool:
        """Look up whether a transaction was committed, by the last event that it stored."""
        if not stored:
            return False
        last = stored[-1]
        try:
            return last in await transactions.read(
                self._engine, lambda connection: streams.read_after(connection, last.stream, last.q - 1, 1)
            )
        except Exception as error:
            log.warning("it can't be looked up whether a commit did happen: %s", error)
            return False

    async def _read_doubted(self, connection: AsyncConnection) -> list[StoredEvent]:
        """Return the events of commits that were reported to fail, and did happen."""
        missed: list[StoredEvent] = []
        for stream, q in self._doubted.items():
            missed += await streams.read_after(connection, stream, q)
        return missed


def _ignore(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()


async def _do_all(transaction: Transaction, batch: Sequence[_Pending[Any]]) -> None:
    for change, group in groupby(batch, key=lambda pending: pending.change):
        if change is None:
            await _post(transaction, list(group))
        else:
            for pending in group:
                pending.outcome = await _change(transaction, change)


async def _post(transaction: Transaction, group: Sequence[_Pending[Any]]) -> None:
    outcomes = await transaction.post([pending.post for pending in group if pending.post is not None])
    for pending, outcome in zip(group, outcomes, strict=True):
        pending.outcome = outcome


async def _change(transaction: Transaction, change: Change[T]) -> T | ChatError:
    # What a change refuses is undone alone; the rest of the transaction stands.
    before = len(transaction.stored)
    savepoint = await transaction.connection.begin_nested()
    try:
        result = await change(transaction)
    except ChatError as refusal:
        await savepoint.rollback()
        del transaction.stored[before:]
        return refusal
    await savepoint.commit()
    return result
