"""The folder where everything is kept, and who may use it.

Two servers on one folder would each think that nobody else writes: the second is turned away.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from hubbub.storage.failures import StorageUnusableError

DATABASE: Final = "hubbub.sqlite3"


@contextmanager
def claim_folder(folder: Path) -> Iterator[None]:
    """Make a folder unless it is there, and keep others from using it meanwhile.

    Raises:
        StorageUnusableError: if it can't be written to, or is in use.
    """
    try:
        # What people say is nobody else's business on this machine.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "hubbub.lock").open("a")
    except OSError as error:
        reason = error.strerror or error
        raise StorageUnusableError(f"the data folder {folder} can't be written to ({reason})") from error
    with lock:
        if not _lock(lock):
            raise StorageUnusableError(f"another hubbub is using the data folder {folder}")
        yield


def _lock(file: IO[str]) -> bool:
    """Lock a file until it is closed; return whether that was possible."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
