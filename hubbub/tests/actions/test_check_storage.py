"""Finding out whether something can be stored and read."""

from __future__ import annotations

from sqlalchemy import event, func, select

from hubbub.actions.check_storage import check_storage
from hubbub.storage.tables import streams


async def test_check_leaves_nothing(database, engines, heard) -> None:
    """The database is written to and read from, and is afterwards as it was."""
    commits: list[object] = []
    event.listen(engines.writing.sync_engine, "commit", commits.append)
    await check_storage(database)

    assert len(commits) == 1
    assert heard == []
    assert (
        await database.read(lambda connection: connection.scalar(select(func.count()).select_from(streams)))
        == 1
    )
