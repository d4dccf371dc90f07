"""What was typed before, in a file that only its owner can read.

It knows where such files belong and how this one is written; it doesn't know
what is worth keeping.

Invariants:

1. The file and its folder are made for their owner alone (0600, 0700).
2. An entry is one line, however many it has: as JSON.
3. Trouble with the file costs the history, never the conversation.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

__all__ = ["HistoryFile", "history_path"]

#: Entries that are kept; the file is cut to them when it has twice as many.
MOST = 1000


def history_path() -> Path:
    """Return where the history belongs (XDG Base Directory: state)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    folder = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return folder / "fullduplex" / "history"


class HistoryFile:
    """Entries in a file, oldest first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[str]:
        """Return the newest entries, the oldest of them first."""
        entries: list[str] = []
        with contextlib.suppress(OSError):
            lines = self._path.read_text("utf-8", errors="replace").splitlines()
            for line in lines:
                with contextlib.suppress(ValueError):
                    entry = json.loads(line)
                    if isinstance(entry, str):
                        entries.append(entry)
            if len(lines) >= 2 * MOST:
                self._rewrite(entries[-MOST:])
        return entries[-MOST:]

    def append(self, entry: str) -> None:
        """Add an entry."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path, os.O_APPEND, [entry])

    def _rewrite(self, entries: list[str]) -> None:
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        self._write(new, os.O_EXCL, entries)
        new.replace(self._path)

    def _write(self, path: Path, flag: int, entries: list[str]) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            # It may be older than this rule.
            os.chmod(path, 0o600)
            # Escaped, so that nothing in it ends a line.
            file.writelines(f"{json.dumps(entry)}\n" for entry in entries)
