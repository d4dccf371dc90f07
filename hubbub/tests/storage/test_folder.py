"""Who may use the data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.folder import claim_folder


def test_folder_is_made(tmp_path: Path) -> None:
    """A folder that isn't there is made, with those above it, for its owner alone."""
    with claim_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
        assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0


def test_folder_is_for_one(tmp_path: Path) -> None:
    """Nobody else can claim a folder before it is free again."""
    with (
        claim_folder(tmp_path),
        pytest.raises(StorageUnusableError, match="another hubbub is using"),
        claim_folder(tmp_path),
    ):
        pass

    with claim_folder(tmp_path):
        pass


def test_folder_must_be_writable(tmp_path: Path) -> None:
    """Where no folder can be, the reason is told."""
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnusableError, match="can't be written to"), claim_folder(tmp_path / "file"):
        pass
