"""Brings a database's tables to what this program expects.

A database that is up to date costs one query: Alembic, which is slow to import, is left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError

from hubbub.storage.engine import Engines
from hubbub.storage.failures import StorageUnusableError

if TYPE_CHECKING:
    from alembic.config import Config

REVISION: Final = "0005"
"""The last revision, which the tables module describes."""


async def migrate(engines: Engines) -> None:
    """Bring the tables up to date; does nothing, quickly, if they are.

    Raises:
        StorageUnusableError: if it is no database, not ours, or one of a newer version of the program.
    """
    try:
        async with engines.writing.begin() as connection:
            await connection.run_sync(_migrate)
    except DatabaseError as error:
        raise StorageUnusableError(str(error.orig)) from error


def _migrate(connection: Connection) -> None:
    revision = _read_revision(connection)
    if revision != REVISION:
        _upgrade(connection, revision)


def _read_revision(connection: Connection) -> str | None:
    names = inspect(connection).get_table_names()
    if not names:
        return None
    if "alembic_version" not in names:
        raise StorageUnusableError("it belongs to another program")
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def check_revision(connection: Connection) -> None:
    """Make sure that a database has tables, and those of a version that this program can bring up to date.

    Raises:
        StorageUnusableError: if it doesn't.
    """
    revision = _read_revision(connection)
    if revision is None:
        raise StorageUnusableError("there is nothing in it")
    if revision != REVISION:
        _require_known(alembic_config(connection), revision)


def _upgrade(connection: Connection, revision: str | None) -> None:
    from alembic import command

    config = alembic_config(connection)
    if revision is not None:
        _require_known(config, revision)
    command.upgrade(config, REVISION)


def _require_known(config: Config, revision: str) -> None:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        ScriptDirectory.from_config(config).get_revision(revision)
    except CommandError as error:
        raise StorageUnusableError("it was written by a newer version of hubbub") from error


def alembic_config(connection: Connection) -> Config:
    """Return what Alembic needs to know to work on a connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
