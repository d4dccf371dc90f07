"""Bringing the tables up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, text

from hubbub.storage.engine import Engines, open_engines, sqlite_url
from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.migrate import REVISION, alembic_config, migrate
from hubbub.storage.tables import metadata, rooms


async def test_migrating_makes_the_tables(blank: Engines) -> None:
    """The revisions add up to the tables that the queries know."""

    def difference(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    await migrate(blank)

    async with blank.writing.connect() as connection:
        assert await connection.run_sync(difference) == []


async def test_last_revision_is_known(blank: Engines) -> None:
    """The revision that a start looks for is the last one there is."""

    def head(connection: Connection) -> str | None:
        return ScriptDirectory.from_config(alembic_config(connection)).get_current_head()

    async with blank.writing.connect() as connection:
        assert await connection.run_sync(head) == REVISION


async def test_migrating_twice_changes_nothing(blank: Engines) -> None:
    """What is there survives another start."""
    await migrate(blank)
    async with blank.writing.begin() as connection:
        await connection.execute(
            insert(rooms).values(id="r_x", name="X", topic="", created=1, visibility="public")
        )

    await migrate(blank)

    async with blank.reading.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM rooms")) == 1


def test_alembic_is_left_alone_when_current(migrated_sqlite: Path) -> None:
    """A database that is up to date doesn't cost the import of Alembic."""
    program = f"""
import asyncio, sys
from pathlib import Path
from hubbub.storage.engine import open_engines, sqlite_url
from hubbub.storage.migrate import migrate
async def main():
    engines = open_engines(sqlite_url(Path({str(migrated_sqlite)!r})))
    await migrate(engines)
    await engines.dispose()
asyncio.run(main())
print("alembic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    "statements,reason",
    [
        (["CREATE TABLE cats (name text)"], "belongs to another program"),
        (
            [
                "CREATE TABLE alembic_version (version_num text)",
                "INSERT INTO alembic_version VALUES ('9999')",
            ],
            "newer version",
        ),
    ],
)
async def test_foreign_database_is_refused(blank: Engines, statements: list[str], reason: str) -> None:
    """A database of another program, or of a later version of this one, is left alone."""
    async with blank.writing.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))

    with pytest.raises(StorageUnusableError, match=reason):
        await migrate(blank)


async def test_junk_is_refused(tmp_path: Path) -> None:
    """A file that is no database is left alone."""
    file = tmp_path / "junk.sqlite3"
    file.write_bytes(b"junk" * 1000)
    engines = open_engines(sqlite_url(file))

    with pytest.raises(StorageUnusableError, match="not a database"):
        await migrate(engines)

    await engines.dispose()
    assert file.read_bytes() == b"junk" * 1000
