"""Copies a database of SQLite's while the chat runs, and puts a copy back while it doesn't.

Invariants:

1. A copy has one state of the database, whatever is written meanwhile.
2. No copy has its name before it was verified and is on the disk.
3. Whatever goes wrong while a copy is put back, either the old database is there or the new one.
4. A copy of the database is made before those of the files that it speaks of.
5. What was put back has other epochs than it had, and than what was there had: numbers may be given anew.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.file_copies import Tell, copy_files, folder_of
from hubbub.storage.migrate import check_revision
from hubbub.storage.shelf import FOLDER
from hubbub.storage.streams import renew_epochs, select_broken

# So many pages are copied at a time, and told of.
_STEP: Final = 4096


def back_up(database: Path, target: Path, tell: Tell) -> int:
    """Copy a database into a new file, and verify the copy; what people have uploaded goes beside it.

    Returns how many files are missing.

    Raises:
        StorageUnusableError: if that can't be done; then there is no such file.
    """
    _require(database)
    for path in (target, folder_of(target)):
        if path.exists():
            raise StorageUnusableError(f"{path} is there already")
    try:
        with _make_part(target) as part:
            _copy(database, part, tell)
            with _open_copy(part) as connection:
                _verify(connection, tell)
                missing = copy_files(connection, database.parent / FOLDER, folder_of(target), tell)
            _place(part, target)
    except BaseException:
        shutil.rmtree(folder_of(target), ignore_errors=True)
        raise
    return missing


def restore_files(backup: Path, folder: Path, tell: Tell) -> int:
    """Put the files of a copy among those that are there; return how many are missing then.

    Raises:
        StorageUnusableError: if that can't be done; nothing that was there has changed.
    """
    _require(backup)
    with _open_copy(backup) as connection:
        return copy_files(connection, folder_of(backup), folder / FOLDER, tell)


def restore(backup: Path, database: Path, now: int, tell: Tell) -> Path | None:
    """Put a copy in the place of a database that nobody uses; return where the old one is kept, if any was.

    Raises:
        StorageUnusableError: if that can't be done; then everything is as it was.
    """
    _require(backup)
    with _make_part(database) as part:
        _copy(backup, part, tell)
        with _open_copy(part) as connection:
            _verify(connection, tell)
            connection.execute(renew_epochs(max(now, _last_epoch(database) + 1)))
            connection.commit()
        kept = _keep(database) if database.exists() else None
        _place(part, database)
    return kept


def _require(file: Path) -> None:
    if not file.is_file():
        raise StorageUnusableError(f"there is no file {file}")


@contextmanager
def _make_part(target: Path) -> Iterator[Path]:
    """Make a file beside another, which only its owner can read; unless it is moved away, it is removed."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise StorageUnusableError(f"{target} can't be written ({error.strerror or error})") from error
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _copy(origin: Path, part: Path, tell: Tell) -> None:
    def progress(_status: int, remaining: int, total: int) -> None:
        tell("Copying", 1 - remaining / max(total, 1))

    try:
        with closing(_connect(origin)) as source, closing(sqlite3.connect(part)) as copy:
            # With a read transaction of our own, what is written meanwhile doesn't make it begin again.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master")
            source.backup(copy, pages=_STEP, progress=progress)
            # One file has everything, and can be read where nothing can be written.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StorageUnusableError(f"{origin} can't be copied ({error})") from error


def _connect(file: Path) -> sqlite3.Connection:
    # One that isn't there is not to be made.
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)


@contextmanager
def _open_copy(file: Path) -> Iterator[Connection]:
    engine = create_engine("sqlite+pysqlite://", creator=lambda: _connect(file), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise StorageUnusableError(f"the copy can't be read ({getattr(error, 'orig', error)})") from error


def _verify(connection: Connection, tell: Tell) -> None:
    """Make sure that a copy is whole: for SQLite, and for the chat."""
    tell("Verifying", 0)
    found = connection.scalar(text("PRAGMA integrity_check(1)"))
    if found != "ok":
        raise StorageUnusableError(f"the copy is damaged ({found})")
    check_revision(connection)
    if connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
        raise StorageUnusableError("the copy is damaged (something refers to what isn't there)")
    if (stream := connection.scalars(select_broken()).first()) is not None:
        raise StorageUnusableError(f"the copy is damaged (events of {stream} are missing)")
    tell("Verifying", 1)


def _last_epoch(database: Path) -> int:
    """Return the highest epoch of a database; 0 of one that can't be read any more."""
    with suppress(sqlite3.Error), closing(_connect(database)) as connection:
        [epoch] = connection.execute("SELECT max(epoch) FROM streams").fetchone()
        return int(epoch or 0)
    return 0


def _keep(database: Path) -> Path:
    """Give a database a second name, which it keeps when another takes its place."""
    kept = database.with_name(f"{database.stem}-{time.strftime('%Y%m%d-%H%M%S')}{database.suffix}")
    with suppress(sqlite3.Error), closing(_connect(database)) as connection:
        # Its log goes into it, if it can still be read; else the log is kept as well.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try:
        try:
            os.link(database, kept)
        except OSError:
            # There are disks that know one name to a file.
            shutil.copy2(database, kept)
        _beside(database, "-shm").unlink(missing_ok=True)
        if _beside(database, "-wal").exists():
            _beside(database, "-wal").rename(_beside(kept, "-wal"))
    except OSError as error:
        raise StorageUnusableError(f"{database} can't be kept ({error.strerror or error})") from error
    return kept


def _beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def _place(part: Path, target: Path) -> None:
    """Give a file its name, once it is on the disk."""
    try:
        _sync(part)
        part.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise StorageUnusableError(f"{target} can't be written ({error.strerror or error})") from error


def _sync(file: Path) -> None:
    if os.name == "nt" and file.is_dir():
        return
    descriptor = os.open(file, os.O_RDWR if file.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
