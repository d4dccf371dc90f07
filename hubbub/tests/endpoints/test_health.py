"""Whether the chat works, as who watches it is told."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hubbub.endpoints.health import FRESH, PATIENCE


async def test_server_is_well(program) -> None:
    """Whoever asks is told, and keeps no copy."""
    answer = await program.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "sentence,status,code",
    [("database or disk is full", 507, "storage_full"), ("disk I/O error", 503, "unavailable")],
)
async def test_trouble_is_told(
    program,
    engines,
    loop_clock,
    caplog: pytest.LogCaptureFixture,
    sentence: str,
    status: int,
    code: str,
) -> None:
    """While nothing can be stored, the answer says so; when it can be again, all is well."""

    def fail(_connection: object) -> None:
        raise OperationalError("COMMIT", {}, OSError(sentence))

    event.listen(engines.writing.sync_engine, "commit", fail)
    ill = await program.get("/readyz")
    event.remove(engines.writing.sync_engine, "commit", fail)
    await loop_clock.advance(FRESH)
    well = await program.get("/readyz")

    assert (ill.status_code, ill.json()) == (status, {"status": code})
    assert well.status_code == 200
    assert sentence in caplog.text


async def test_life_is_no_matter_of_storage(program, engines) -> None:
    """A server whose database is away is alive: to start it anew would help nobody."""

    def fail(_connection: object) -> None:
        raise OperationalError("COMMIT", {}, OSError("disk I/O error"))

    event.listen(engines.writing.sync_engine, "commit", fail)
    answer = await program.get("/healthz")
    event.remove(engines.writing.sync_engine, "commit", fail)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_many_questions_are_one(program, engines, loop_clock) -> None:
    """However many ask, the database is asked once a second."""
    commits: list[object] = []
    event.listen(engines.writing.sync_engine, "commit", commits.append)
    await asyncio.gather(*(program.get("/readyz") for _ in range(9)))
    at_first = len(commits)
    await loop_clock.advance(FRESH)
    await program.get("/readyz")

    assert (at_first, len(commits)) == (1, 2)


async def test_silence_is_trouble(program, database, loop_clock) -> None:
    """A database that doesn't answer in time counts as one that is away, until it does."""
    free, blocked = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def block(_transaction: object) -> None:
        loop.call_soon_threadsafe(blocked.set)
        free.wait(10)

    blocking = asyncio.ensure_future(database.write(block))
    await blocked.wait()
    asking = asyncio.ensure_future(program.get("/readyz"))
    await loop_clock.settle()
    await loop_clock.advance(PATIENCE)
    ill = await asking
    free.set()
    await blocking
    well = await program.get("/readyz")

    assert (ill.status_code, ill.json()) == (503, {"status": "unavailable"})
    assert well.status_code == 200
