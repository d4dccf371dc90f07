"""What a disk has after a cut of power, by what was written and synced."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from faults.disk import Disk, Kind, Loss, Step, read_record
from hypothesis import given
from hypothesis import strategies as st

SIZE = 2_000

WRITES = st.builds(
    Step, st.just(Kind.WRITE), st.just("log"), st.integers(0, SIZE), st.binary(min_size=1, max_size=SIZE)
)
TRUNCATES = st.builds(Step, st.just(Kind.TRUNCATE), st.just("log"), st.integers(0, SIZE), st.just(b""))
SYNCING, SYNCED = Step(Kind.SYNCING, "log", 0, b""), Step(Kind.SYNCED, "log", 0, b"")
BEGIN = b"\xff" * 700


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where folders can be made."""
    return tmp_path_factory.mktemp("disks")


def left_by(folders: Path, steps: list[Step], loss: Loss) -> bytes:
    """Return what a cut of power leaves of a file after these steps."""
    disk = Disk({"log": BEGIN})
    for step in steps:
        disk.follow(step)
    folder = folders / str(len(list(folders.iterdir())))
    disk.lose_power(folder, loss, Random(1))
    return (folder / "log").read_bytes()


def written(folders: Path, steps: list[Step]) -> bytes:
    """Return what the system has in a file after these steps, as long as it has power."""
    path = folders / "system"
    path.write_bytes(BEGIN)
    with path.open("r+b", buffering=0) as file:
        for step in steps:
            if step.kind is Kind.TRUNCATE:
                file.truncate(step.offset)
            elif step.kind is Kind.WRITE:
                file.seek(step.offset)
                file.write(step.data)
    return path.read_bytes()


@given(st.lists(WRITES | TRUNCATES, max_size=5), st.lists(WRITES | TRUNCATES, max_size=5))
def test_disk_has_what_was_synced(folders: Path, before: list[Step], after: list[Step]) -> None:
    """What was written before a sync is there, and of what came later nothing, or everything."""
    steps = [*before, SYNCING, SYNCED, *after]

    assert left_by(folders, steps, Loss.ALL) == written(folders, before)
    assert left_by(folders, steps, Loss.NONE) == written(folders, steps)


@given(WRITES, WRITES)
def test_sync_covers_what_came_before(folders: Path, before: Step, meanwhile: Step) -> None:
    """What is written while a sync goes on isn't made sure of, nor is anything before it has ended."""
    assert left_by(folders, [before, SYNCING], Loss.ALL) == BEGIN
    assert left_by(folders, [before, SYNCING, meanwhile, SYNCED], Loss.ALL) == written(folders, [before])


@given(WRITES, WRITES)
def test_failed_sync_forgets(folders: Path, before: Step, after: Step) -> None:
    """What a sync has failed for isn't made sure of by the next one."""
    steps = [before, Step(Kind.FAILED, "log", 0, b""), after, SYNCING, SYNCED]

    assert left_by(folders, steps, Loss.NONE) == written(folders, [after])


def test_sectors_survive_alone(folders: Path) -> None:
    """What wasn't synced may be there in parts, whole sectors of the file each."""
    data = bytes([1]) * 5_000

    left = left_by(folders, [Step(Kind.WRITE, "log", 300, data)], Loss.SOME)

    sectors = {bytes(set(left[start : start + 512])) for start in range(1024, 5_120, 512)}
    assert sectors == {b"\0", b"\1"}


def test_cut_off_record_is_read() -> None:
    """The last of a record may be cut off."""
    head = Kind.WRITE.to_bytes(4, "little") + (3).to_bytes(4, "little") + (9).to_bytes(8, "little")
    entry = head + b"log".ljust(64, b"\0") + b"abc"

    assert list(read_record(entry + entry[:20])) == [Step(Kind.WRITE, "log", 9, b"abc")]
