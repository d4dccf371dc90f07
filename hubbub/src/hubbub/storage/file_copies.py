"""Copies the contents of files beside a copy of their database, and puts them back.

What is in a file never changes under its id, so what is there already isn't copied again, and a database's
copy that was made first has everything that is looked for.  What isn't there is counted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, select

from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.files import State
from hubbub.storage.shelf import PART, Shelf, sync
from hubbub.storage.tables import files

Tell = Callable[[str, float], None]
"""Is told what is under way, and how much of it is done, from 0 to 1."""

SUFFIX: Final = ".files"


def folder_of(copy: Path) -> Path:
    """Return where the files are that belong to a copy of a database."""
    return copy.with_name(copy.name + SUFFIX)


def copy_files(connection: Connection, origin: Path, target: Path, tell: Tell) -> int:
    """Copy every file that a database knows of; return how many of them aren't there.

    Raises:
        StorageUnusableError: if one can't be copied.
    """
    ids = _list_ids(connection)
    source, copy = Shelf(origin), Shelf(target)
    missing = 0
    for number, file_id in enumerate(ids, 1):
        try:
            missing += not _copy(source, copy, file_id)
        except OSError as error:
            reason = error.strerror or error
            raise StorageUnusableError(f"files can't be copied to {target} ({reason})") from error
        tell("Copying files", number / len(ids))
    return missing


def _list_ids(connection: Connection) -> list[str]:
    # A copy of an earlier version has none.
    if not inspect(connection).has_table(files.name):
        return []
    return list(
        connection.scalars(select(files.c.id).where(files.c.state != State.GONE).order_by(files.c.id))
    )


def _copy(source: Shelf, copy: Shelf, file_id: str) -> bool:
    """Copy a file with its small pictures; return whether it is there then."""
    for origin, target in zip(source.places(file_id), copy.places(file_id), strict=True):
        if origin.is_file() and not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}{PART}")
            shutil.copyfile(origin, part)
            sync(part)
            part.replace(target)
    return copy.place(file_id).is_file()
