"""What is made of the structures is in the repository as it would be made now."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubbub.wire.published import make_files, write_files

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("place", make_files(), ids=lambda place: place.name)
def test_files_are_fresh(place: Path) -> None:
    """Neither the schema nor the page's types are those of other structures: `python -m hubbub.wire`."""
    assert ROOT.joinpath(place).read_text("utf-8") == make_files()[place]


def test_files_go_into_a_checkout(tmp_path: Path) -> None:
    """The files are written where they belong, and nowhere else."""
    for place in make_files():
        tmp_path.joinpath(place).parent.mkdir(parents=True)
    write_files(tmp_path)

    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == make_files().keys()


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    """Where there is no checkout, nothing is written."""
    with pytest.raises(FileNotFoundError):
        write_files(tmp_path)

    assert list(tmp_path.iterdir()) == []
