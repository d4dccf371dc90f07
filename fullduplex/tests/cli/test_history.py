"""The file of what was typed: whose it is, what is in it, and what trouble with it costs."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from fullduplex.cli.history import MOST, HistoryFile, history_path


def mode_of(path: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_history_is_kept(tmp_path: Path) -> None:
    """What was appended is loaded, oldest first, whatever is in it."""
    path = tmp_path / "state" / "history"
    entries = ["one", "two\nlines\r\u2028", "再见", ""]
    for entry in entries:
        HistoryFile(path).append(entry)

    assert HistoryFile(path).load() == entries


def test_history_is_private(tmp_path: Path) -> None:
    """File and folder are their owner's alone, also where the file was there before."""
    path = tmp_path / "state" / "history"
    HistoryFile(path).append("one")
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)

    path.chmod(0o644)
    HistoryFile(path).append("two")
    assert mode_of(path) == 0o600


def test_history_is_bounded(tmp_path: Path) -> None:
    """A file twice as long as wanted is cut to the newest entries, and stays private."""
    path = tmp_path / "history"
    path.write_text("".join(f"{json.dumps(str(number))}\n" for number in range(2 * MOST)))
    file = HistoryFile(path)
    newest = [str(number) for number in range(MOST, 2 * MOST)]

    assert file.load() == newest
    assert len(path.read_text().splitlines()) == MOST
    assert mode_of(path) == 0o600
    assert [other.name for other in tmp_path.iterdir()] == ["history"]


def test_damage_costs_entries_only(tmp_path: Path) -> None:
    """Lines that aren't entries are passed over."""
    path = tmp_path / "history"
    path.write_bytes(b'"one"\nnonsense\n7\n\xff\n"two"\n')

    assert HistoryFile(path).load() == ["one", "two"]


def test_trouble_is_borne(tmp_path: Path) -> None:
    """Where nothing can be read or written, nothing is kept, and nothing raised."""
    (tmp_path / "file").write_text("")
    file = HistoryFile(tmp_path / "file" / "history")
    file.append("one")

    assert file.load() == []


def test_history_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the state folder that the environment names, if that is absolute."""
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert history_path() == Path("/somewhere/fullduplex/history")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert history_path() == Path.home() / ".local/state/fullduplex/history"
