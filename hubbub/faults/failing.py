"""The chat, but it fails at a certain point: `python -m faults.failing before_commit serve ...`.

The points are put into the program here, when it starts, and not in the package: who runs `hubbub` has none.
Where a point says so, it comes with the message whose text has TRIP in it, so that all before goes well.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from hubbub import app, cli
from hubbub.domain.events import StoredEvent
from hubbub.storage import posting, sqlite, writer
from hubbub.storage.posting import Post

TRIP: Final = "trip!"
STALL: Final = 5.0
TOO_SOON: Final = 0.2
"""Seconds by which an answer comes before what it says is true."""
SLOWLY: Final = 0.05
"""Seconds that a commit takes, so that whatever is said meanwhile shares the next."""
AFTERWARDS: Final = 0.5
"""Seconds in which what was published is sent, before who published it dies."""


def trips(events: Iterable[StoredEvent]) -> bool:
    """Say whether the message is among these events."""
    return any(TRIP in event.body for event in events)


def die() -> None:
    """End at once, as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def take_time() -> None:
    """Let a transaction, which has a thread of its own, last for a while."""
    time.sleep(SLOWLY)


def amid_statements() -> None:
    """Die with the messages of a batch numbered, and not all of what follows from them said."""
    fold = posting._fold

    async def fail(connection: Any, posts: Sequence[Post], *rest: Any) -> list[StoredEvent]:
        if any(TRIP in post.message.text for post in posts):
            tell(f"a batch of {len(posts)}")
            die()
        return await fold(connection, posts, *rest)

    posting._fold = fail  # type: ignore[assignment]
    _wait_for_company()


def before_commit() -> None:
    """Die with everything of a batch said but COMMIT."""
    do_all = writer._do_all

    async def fail(transaction: writer.Transaction, batch: Any) -> None:
        await do_all(transaction, batch)
        if trips(transaction.stored):
            tell(f"a batch of {len(batch)}")
            die()

    writer._do_all = fail


def before_publish() -> None:
    """Die right after the commit, before anybody hears of it."""
    _on_publish(die)


def before_ack() -> None:
    """Die when everybody has heard of it but the author, who waits for the answer."""
    settle = writer._Pending.settle

    def fail(pending: Any) -> None:
        if pending.post is not None and TRIP in pending.post.message.text:
            asyncio.get_running_loop().call_later(AFTERWARDS, die)
        else:
            settle(pending)

    writer._Pending.settle = fail  # type: ignore[assignment, method-assign]


def stall() -> None:
    """Let the event loop stand still for a while, and go on."""
    _on_publish(lambda: time.sleep(STALL))


def bad_statement() -> None:
    """Let the database refuse the statement that the message is in, and take its time for all others."""
    row, fold = posting._row, posting._fold

    async def count(connection: Any, posts: Sequence[Post], *rest: Any) -> list[StoredEvent]:
        if any(TRIP in post.message.text for post in posts):
            tell(f"a batch of {len(posts)}")
        take_time()
        return await fold(connection, posts, *rest)

    def fail(post: Post, numbered: Any) -> dict[str, object]:
        if TRIP in post.message.text:
            raise IntegrityError("INSERT", {}, Exception("CHECK constraint failed"))
        return row(post, numbered)

    posting._row = fail
    posting._fold = count  # type: ignore[assignment]
    _wait_for_company()


def without_sync() -> None:
    """Don't wait for the disk, as synchronous=NORMAL doesn't."""
    relaxed = (each.replace("= FULL", "= NORMAL") for each in sqlite._PRAGMAS)
    sqlite._PRAGMAS = tuple(relaxed)  # type: ignore[assignment, misc]


def ack_first() -> None:
    """Say that all is stored before it is."""

    async def fail(self: writer.Writer, batch: Any) -> list[StoredEvent]:
        async with self._engine.begin() as connection:
            transaction = writer.Transaction(connection, self._now())
            await writer._do_all(transaction, batch)
            self._announce(transaction.stored)
            for pending in batch:
                # Who is let in comes right back, and must be known.
                if pending.post is not None:
                    pending.settle()
            await asyncio.sleep(TOO_SOON)
        return []

    writer.Writer._commit = fail  # type: ignore[method-assign]


def _wait_for_company() -> None:
    """Have no batch in which the message would be the only one.

    However fast commits are, and whoever waits for which: two who take turns at it would never meet.
    """
    take = writer.Writer._take

    def put_off(self: writer.Writer) -> Any:
        batch = take(self)
        texts = [pending.post.message.text for pending in batch if pending.post is not None]
        if len(texts) == 1 and TRIP in texts[0] and not self._closing:
            alone = next(pending for pending in batch if pending.post is not None)
            batch.remove(alone)
            self._waiting.appendleft(alone)
        return batch

    writer.Writer._take = put_off  # type: ignore[method-assign]


def _on_publish(act: Callable[[], object]) -> None:
    publish = app._publish_all

    def fail(bus: Any, events: Sequence[StoredEvent]) -> None:
        if trips(events):
            act()
        publish(bus, events)

    app._publish_all = fail


def tell(what: str) -> None:
    """Say something that is heard even from who dies right after."""
    os.write(sys.stdout.fileno(), f"{what}\n".encode())


POINTS: Final[dict[str, Callable[[], None]]] = {
    point.__name__: point
    for point in (
        amid_statements,
        before_commit,
        before_publish,
        before_ack,
        stall,
        bad_statement,
        without_sync,
        ack_first,
    )
}


if __name__ == "__main__":
    POINTS[sys.argv[1]]()
    cli.main(sys.argv[2:])
