"""What is kept between runs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.terminal.keeping import Kept, _file_name, state_folder

CHAT = "http://chat.example:8000"


@pytest.mark.parametrize(
    "environment, folder",
    [
        ({"XDG_STATE_HOME": "/state"}, Path("/state/hubbub")),
        ({"XDG_STATE_HOME": "relative"}, Path.home() / ".local/state/hubbub"),
        ({}, Path.home() / ".local/state/hubbub"),
    ],
)
def test_folder_is_the_users(environment: dict[str, str], folder: Path) -> None:
    """The state folder is where XDG has it."""
    assert state_folder(environment) == folder


def test_session_is_remembered(tmp_path: Path) -> None:
    """Each name has its session in each chat, and the last one is known."""
    kept = Kept(tmp_path, CHAT)
    assert (kept.last(), kept.token("Ann")) == (None, None)
    kept.keep("Ann", "token-of-ann")
    kept.keep("小林/..", "token-of-lin")
    again = Kept(tmp_path, CHAT)

    assert (again.last(), again.token("Ann")) == ("小林/..", "token-of-ann")
    again.forget("Ann")
    assert again.token("Ann") is None
    assert Kept(tmp_path, "http://other.example").last() is None


def test_nobody_else_may_read(tmp_path: Path) -> None:
    """Files and folders are the user's alone, whatever was there before."""
    kept = Kept(tmp_path / "hubbub", CHAT)
    kept.keep("Ann", "old")
    (kept.folder / "Ann" / "token").chmod(0o644)
    kept.keep("Ann", "new")
    files = [path for path in (tmp_path / "hubbub").rglob("*") if path.is_file()]

    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700


def test_outbox_is_for_one_program(tmp_path: Path) -> None:
    """A second program under the same name is told that it has no file; one under another name has one."""
    first = Kept(tmp_path, CHAT).claim_outbox("Ann")
    assert first is not None
    assert first.name == "outbox.sqlite3"

    assert Kept(tmp_path, CHAT).claim_outbox("Ann") is None
    assert Kept(tmp_path, CHAT).claim_outbox("Bo") is not None


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT)
def test_names_make_files(one: str, other: str) -> None:
    """Any name is a file's name, and no two are the same."""
    assert "/" not in _file_name(one)
    assert not _file_name(one).startswith(".")
    assert len(_file_name(100 * one)) < 255
    assert (_file_name(one) == _file_name(other)) == (one == other)
