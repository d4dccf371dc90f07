"""What is kept between runs: who one is in each chat, and what isn't sent yet.

Lies in the user's state folder (XDG), one folder a chat, in it one for each name that one goes by there.

Invariants:

1. Nobody but the user may read any of it.
2. One program at a time keeps what isn't sent under a name.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

TOKEN: Final = "token"
OUTBOX: Final = "outbox.sqlite3"
LAST: Final = "last"
LONGEST: Final = 150
"""Characters of a file's name; systems take 255."""


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return where programs keep what they remember; a relative path doesn't count."""
    named = environment.get("XDG_STATE_HOME", "")
    home = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    return home / "hubbub"


class Kept:
    """What is kept of one chat; every method may raise OSError."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder / _file_name(address)

    def last(self) -> str | None:
        """Return by what name one was here last."""
        return _read(self.folder / LAST)

    def token(self, who: str) -> str | None:
        """Return the token of the session under a name."""
        return _read(self._of(who) / TOKEN)

    def keep(self, who: str, token: str) -> None:
        """Remember a session."""
        _write(self._of(who) / TOKEN, token)
        _write(self.folder / LAST, who)

    def forget(self, who: str) -> None:
        """Remember a session no longer; what isn't sent stays."""
        (self._of(who) / TOKEN).unlink(missing_ok=True)

    def claim_outbox(self, who: str) -> Path | None:
        """Return the file for what isn't sent yet; none, if another program has it.

        It is this program's until that ends.
        """
        folder = self._of(who)
        _make(folder)
        # The lock lives as long as the file object, and nobody closes that.
        lock = (folder / "lock").open("a")
        if not _lock(lock):
            lock.close()
            return None
        _LOCKS.append(lock)
        return folder / OUTBOX

    def _of(self, who: str) -> Path:
        return self.folder / _file_name(who)


_LOCKS: Final[list[IO[str]]] = []


def _file_name(text: str) -> str:
    name = quote(text, safe="")
    if name.startswith("."):
        # It would be hidden, or another folder.
        name = f"%2E{name[1:]}"
    if len(name) > LONGEST:
        name = f"{name[: LONGEST // 2]}~{hashlib.sha256(text.encode()).hexdigest()}"
    return name


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    """Replace a file at once, so that it is never half there."""
    _make(path.parent)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
    new.replace(path)


def _make(folder: Path) -> None:
    # `parents` would make those for everybody to read.
    for each in reversed([folder, *folder.parents]):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)


def _lock(file: IO[str]) -> bool:
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
