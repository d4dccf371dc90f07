"""Commits: what is in one, what is told of it, and what comes of failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from hubbub.actions.begin_session import SignedIn
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MessagePosted, Notice, StoredEvent
from hubbub.domain.models import LOBBY, Posted, Room
from hubbub.storage import rooms, users
from hubbub.storage.database import Database
from hubbub.storage.engine import Engines
from hubbub.storage.posting import Post
from hubbub.storage.writer import ATTEMPTS, BATCH, Transaction, Writer

Guest = Callable[[str], Awaitable[SignedIn]]


def post(author: SignedIn, nonce: str, body: str = "hi") -> Post:
    """Make a message to the lobby."""
    return Post(LOBBY, author.user.id, MessagePosted(nonce, body))


def commits_of(engines: Engines) -> list[object]:
    """Return a list that grows with every commit."""
    commits: list[object] = []
    event.listen(engines.writing.sync_engine, "commit", commits.append)
    return commits


def numbers(notices: list[Notice]) -> list[int]:
    """Return the numbers of the messages that were announced."""
    return [each.q for each in notices if isinstance(each, StoredEvent) and each.kind == "msg.new"]


async def test_waiting_writes_share_a_commit(
    database: Database, engines: Engines, guest: Guest, heard: list[Notice]
) -> None:
    """Writes that come at once are committed in few batches, in their order."""
    ann = await guest("Ann")
    heard.clear()
    commits = commits_of(engines)

    outcomes = await asyncio.gather(*(database.post(post(ann, f"nonce-{n:04}")) for n in range(2 * BATCH)))

    first = outcomes[0].q
    assert [outcome.q for outcome in outcomes] == list(range(first, first + 2 * BATCH))
    assert numbers(heard) == [outcome.q for outcome in outcomes]
    assert len(commits) == 2


async def test_nothing_is_told_before_commit(
    database: Database, engines: Engines, guest: Guest, heard: list[Notice]
) -> None:
    """When a commit begins, neither the author nor anyone else has heard of its writes."""
    ann = await guest("Ann")
    heard.clear()
    known: list[object] = []
    event.listen(engines.writing.sync_engine, "commit", lambda _: known.extend([*heard, writing.done()]))

    writing = asyncio.ensure_future(database.post(post(ann, "nonce-01")))
    await writing

    assert known == [False]
    assert len(heard) == 1


async def test_broken_write_fails_alone(
    database: Database, guest: Guest, heard: list[Notice], caplog: pytest.LogCaptureFixture
) -> None:
    """A write whose statement fails takes no other with it, and leaves no hole."""
    ann = await guest("Ann")

    async def break_a_rule(transaction: Transaction) -> None:
        await transaction.append(LOBBY, ann.user.id, MessagePosted("nonce-xx", "never"))
        await users.add(transaction.connection, ann.user, 1)

    heard.clear()
    first, broken, last = await asyncio.gather(
        database.post(post(ann, "nonce-01")),
        database.write(break_a_rule),
        database.post(post(ann, "nonce-02")),
        return_exceptions=True,
    )

    assert isinstance(broken, ChatError)
    assert broken.code is Code.INTERNAL
    assert isinstance(first, Posted)
    assert isinstance(last, Posted)
    assert last.q == first.q + 1
    assert numbers(heard) == [first.q, last.q]
    assert "unique" in caplog.text.lower()


async def test_refused_change_is_undone_alone(database: Database, guest: Guest, heard: list[Notice]) -> None:
    """What a change did before it refused is undone, numbers included; the rest of the batch stands."""
    ann = await guest("Ann")

    async def change_its_mind(transaction: Transaction) -> None:
        await users.rename(transaction.connection, ann.user.id, "Nobody")
        await transaction.append(LOBBY, ann.user.id, MessagePosted("nonce-xx", "never"))
        raise ChatError(Code.FORBIDDEN)

    heard.clear()
    first, refused, last = await asyncio.gather(
        database.post(post(ann, "nonce-01")),
        database.write(change_its_mind),
        database.post(post(ann, "nonce-02")),
        return_exceptions=True,
    )

    assert isinstance(refused, ChatError)
    assert refused.code is Code.FORBIDDEN
    assert isinstance(first, Posted)
    assert isinstance(last, Posted)
    assert numbers(heard) == [first.q, last.q] == [first.q, first.q + 1]
    assert await database.read(lambda connection: users.names(connection, [ann.user.id])) == {
        ann.user.id: "Ann"
    }


@pytest.mark.parametrize(
    "sentence,code",
    [("disk I/O error", Code.UNAVAILABLE), ("database or disk is full", Code.STORAGE_FULL)],
)
async def test_failing_database_fails_all(
    database: Database,
    engines: Engines,
    guest: Guest,
    heard: list[Notice],
    caplog: pytest.LogCaptureFixture,
    sentence: str,
    code: Code,
) -> None:
    """When the database itself fails, nothing of the batch is acknowledged, told or tried again."""
    ann = await guest("Ann")
    heard.clear()
    attempts: list[object] = []

    def fail(connection: object) -> None:
        attempts.append(connection)
        raise OperationalError("COMMIT", {}, OSError(sentence))

    event.listen(engines.writing.sync_engine, "commit", fail)
    outcomes = await asyncio.gather(
        *(database.post(post(ann, f"nonce-{n:04}")) for n in range(3)), return_exceptions=True
    )
    event.remove(engines.writing.sync_engine, "commit", fail)
    again = await database.post(post(ann, "nonce-0000"))

    assert [outcome.code for outcome in outcomes if isinstance(outcome, ChatError)] == [code] * 3
    assert len(attempts) == 1
    assert not again.dup
    assert numbers(heard) == [again.q]
    assert sentence in caplog.text


class UndoneError(Exception):
    """How PostgreSQL says that a transaction was undone for another's sake."""

    def __init__(self, state: str) -> None:
        self.sqlstate = state


@pytest.mark.parametrize("state", ["40001", "40P01"], ids=["serialization", "deadlock"])
@pytest.mark.parametrize("lost", [1, ATTEMPTS - 1, ATTEMPTS])
async def test_lost_race_costs_no_nonce(
    database: Database, engines: Engines, guest: Guest, heard: list[Notice], state: str, lost: int
) -> None:
    """Who loses too many races is refused for now, has stored nothing, and may send the same again."""
    ann = await guest("Ann")
    heard.clear()
    attempts: list[object] = []

    def fail(connection: object) -> None:
        attempts.append(connection)
        if len(attempts) <= lost:
            raise OperationalError("COMMIT", {}, UndoneError(state))

    event.listen(engines.writing.sync_engine, "commit", fail)
    [outcome] = await asyncio.gather(database.post(post(ann, "nonce-00")), return_exceptions=True)
    event.remove(engines.writing.sync_engine, "commit", fail)
    again = await database.post(post(ann, "nonce-00"))

    if lost < ATTEMPTS:
        assert again == replace(outcome, dup=True)
    else:
        assert isinstance(outcome, ChatError)
        assert (outcome.code, outcome.retry) == (Code.UNAVAILABLE, True)
        assert not again.dup
    assert len(attempts) == min(lost + 1, ATTEMPTS)
    assert numbers(heard) == [again.q]


def commit_and_fail(connection: Any) -> None:
    """Commit, and lose the answer."""
    raw = connection.connection.dbapi_connection
    raw.commit()
    raise OperationalError("COMMIT", {}, OSError("connection lost"))


async def test_unknown_commit_is_looked_up(
    database: Database,
    engines: Engines,
    guest: Guest,
    heard: list[Notice],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A commit that did happen, though it was reported to fail, is answered and told as any other."""
    ann = await guest("Ann")
    heard.clear()
    event.listen(engines.writing.sync_engine, "commit", commit_and_fail)
    posted = await asyncio.gather(*(database.post(post(ann, f"nonce-0{n}")) for n in range(3)))
    event.remove(engines.writing.sync_engine, "commit", commit_and_fail)
    again = await database.post(post(ann, "nonce-00"))

    assert [each.dup for each in posted] == [False] * 3
    assert again == replace(posted[0], dup=True)
    assert numbers(heard) == [each.q for each in posted]
    assert "did happen" in caplog.text


async def test_unknown_commit_is_told_later(
    database: Database,
    engines: Engines,
    guest: Guest,
    heard: list[Notice],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If it can't even be looked up, the write is refused for now, and told with the next commit."""
    ann = await guest("Ann")
    heard.clear()

    def lose(_connection: object) -> None:
        if committed:
            raise OperationalError("BEGIN", {}, OSError("connection lost"))

    def commit_and_lose(connection: object) -> None:
        committed.append(connection)
        commit_and_fail(connection)

    committed: list[object] = []
    event.listen(engines.writing.sync_engine, "begin", lose)
    event.listen(engines.writing.sync_engine, "commit", commit_and_lose)
    with pytest.raises(ChatError) as caught:
        await database.post(post(ann, "nonce-01"))
    event.remove(engines.writing.sync_engine, "begin", lose)
    event.remove(engines.writing.sync_engine, "commit", commit_and_lose)
    assert heard == []
    again = await database.post(post(ann, "nonce-01"))
    later = await database.post(post(ann, "nonce-02"))

    assert caught.value.code is Code.UNAVAILABLE
    assert again.dup
    assert numbers(heard) == [again.q, later.q]
    assert "can't be looked up" in caplog.text


async def test_abandoned_write_is_not_begun(database: Database, guest: Guest, heard: list[Notice]) -> None:
    """A write that nobody waits for any more before its turn is not done."""
    ann = await guest("Ann")
    heard.clear()
    first = asyncio.ensure_future(database.post(post(ann, "nonce-01")))
    second = asyncio.ensure_future(database.post(post(ann, "nonce-02")))
    await asyncio.sleep(0)
    second.cancel()

    posted = await first
    third = await database.post(post(ann, "nonce-03"))

    assert numbers(heard) == [posted.q, third.q]
    assert third.q == posted.q + 1


async def test_abandoned_commit_is_announced(
    database: Database, engines: Engines, guest: Guest, heard: list[Notice]
) -> None:
    """A write that is committed is told to everyone, even if its author has gone meanwhile."""
    ann = await guest("Ann")
    heard.clear()
    event.listen(engines.writing.sync_engine, "commit", lambda _: writing.cancel())

    writing = asyncio.ensure_future(database.post(post(ann, "nonce-01")))
    with pytest.raises(asyncio.CancelledError):
        await writing
    await database.post(post(ann, "nonce-02"))

    assert len(numbers(heard)) == 2


async def test_close_finishes_what_began(database: Database, engines: Engines, guest: Guest) -> None:
    """Writes that came before the close are done, and later ones refused."""
    ann = await guest("Ann")
    writing = [asyncio.ensure_future(database.post(post(ann, f"nonce-{n:04}"))) for n in range(BATCH + 5)]
    await asyncio.sleep(0)

    await database.close()
    with pytest.raises(ChatError) as caught:
        await database.post(post(ann, "nonce-late"))

    assert all(each.done() and not each.result().dup for each in writing)
    assert caught.value.code is Code.UNAVAILABLE
    async with engines.reading.connect() as connection:
        count = await connection.scalar(text("SELECT count(*) FROM messages"))
    assert count == BATCH + 5


async def test_nobody_waits_for_later(
    engines: Engines, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody waits for is done in its turn, or fails into the log, or is too late."""
    writer = Writer(engines.writing, lambda _: None, lambda: 1)
    room = Room("r_soon", "soon", "")

    async def make(transaction: Transaction) -> None:
        await rooms.add(transaction.connection, room, transaction.now)

    writer.change_soon(make)
    writer.change_soon(make)
    found = await writer.change(lambda transaction: rooms.find(transaction.connection, "r_soon"))
    await writer.close()
    writer.change_soon(make)

    assert found == room
    assert caplog.text.count("a transaction failed") == 1
