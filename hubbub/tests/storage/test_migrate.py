"""Bringing the tables up to date."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from hubbub.storage.engine import Engines, StorageUnusableError, open_engines, sqlite_url
from hubbub.storage.migrate import REVISION, alembic_config, migrate
from hubbub.storage.tables import metadata


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Engines]:
    """Open a database without any tables."""
    engines = open_engines(sqlite_url(tmp_path / "fresh.sqlite3"))
    yield engines
    await engines.dispose()


async def test_migrating_makes_the_tables(fresh: Engines) -> None:
    """The revisions add up to the tables that the queries know."""

    def difference(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    await migrate(fresh)

    async with fresh.writing.connect() as connection:
        assert await connection.run_sync(difference) == []


async def test_last_revision_is_known(fresh: Engines) -> None:
    """The revision that a start looks for is the last one there is."""

    def head(connection: Connection) -> str | None:
        return ScriptDirectory.from_config(alembic_config(connection)).get_current_head()

    async with fresh.writing.connect() as connection:
        assert await connection.run_sync(head) == REVISION


async def test_migrating_twice_changes_nothing(fresh: Engines) -> None:
    """What is there survives another start."""
    await migrate(fresh)
    async with fresh.writing.begin() as connection:
        await connection.execute(text("INSERT INTO rooms VALUES ('r_x', 'X', '', 1)"))

    await migrate(fresh)

    async with fresh.reading.connect() as connection:
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
        (["CREATE TABLE cats (name)"], "belongs to another program"),
        (
            ["CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('9999')"],
            "newer version",
        ),
    ],
)
async def test_foreign_database_is_refused(fresh: Engines, statements: list[str], reason: str) -> None:
    """A database of another program, or of a later version of this one, is left alone."""
    async with fresh.writing.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))

    with pytest.raises(StorageUnusableError, match=reason):
        await migrate(fresh)


async def test_junk_is_refused(tmp_path: Path) -> None:
    """A file that is no database is left alone."""
    file = tmp_path / "junk.sqlite3"
    file.write_bytes(b"junk" * 1000)
    engines = open_engines(sqlite_url(file))

    with pytest.raises(StorageUnusableError, match="not a database"):
        await migrate(engines)

    await engines.dispose()
    assert file.read_bytes() == b"junk" * 1000
