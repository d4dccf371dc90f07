"""The code by which the first administrator is made."""

from __future__ import annotations

import pytest

from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.setup_code import FILE, drop_setup_code, keep_setup_code, read_setup_code


def test_code_is_kept_for_its_owner(tmp_path) -> None:
    """It is the same until it is dropped, and nobody else on the machine can read it."""
    folder = tmp_path / "data"
    code = keep_setup_code(folder)

    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert keep_setup_code(folder) == read_setup_code(folder) == code
    drop_setup_code(folder)
    drop_setup_code(folder)
    assert read_setup_code(folder) is None
    assert keep_setup_code(folder) != code


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 30, b"with a space and more of it"])
def test_what_is_no_code_is_replaced(tmp_path, content) -> None:
    """A file that somebody left there says nothing, nor does its mode stay."""
    (tmp_path / FILE).write_bytes(content)

    assert len(keep_setup_code(tmp_path)) >= 22
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_unwritable_folder_is_told(tmp_path) -> None:
    """Where nothing can be kept, that is said."""
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnusableError, match="set-up code"):
        keep_setup_code(tmp_path / "file")
