"""A disk that loses its power: what would be on it then, by the record of what was written and synced.

The record is made by `disk.c`, which is compiled here and preloaded into the server.

Invariants:

1. What was written before a sync began that has ended is there.  Of all else, there is nothing, or
   everything, or whatever sectors chance has chosen.
2. What a sync has failed for will never be there: systems forget it, and let the next sync succeed.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from random import Random
from typing import Final

from faults.case import UnseenError

_HEAD: Final = struct.Struct("<IIQ64s")
_SECTOR: Final = 512


class Kind(IntEnum):
    """What is noted."""

    WRITE = 1
    TRUNCATE = 2
    SYNCING = 3
    SYNCED = 4
    SENT = 5
    FAILED = 6


class Loss(IntEnum):
    """How much is lost of what no sync has made sure of."""

    ALL = 0
    SOME = 1
    NONE = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the server did; `name` is a file's, and empty of what was sent."""

    kind: Kind
    name: str
    offset: int
    data: bytes


def compile_shim(source: str, folder: Path) -> Path:
    """Compile a library of this folder, to be preloaded; return it.

    Raises:
        UnseenError: if there is no compiler.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise UnseenError("there is no C compiler")
    library = folder / f"{source}.so"
    origin = Path(__file__).with_name(f"{source}.c")
    command = [
        compiler,
        "-O1",
        "-Wall",
        "-shared",
        "-fPIC",
        "-o",
        str(library),
        str(origin),
        "-ldl",
        "-pthread",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library


class Recorder:
    """Has a server record what it does to its folder; `is_failing` lets the disk take nothing any more."""

    def __init__(self, folder: Path, lab: Path) -> None:
        self._record = lab / "record"
        self._failing = lab / "disk-fails"
        self.environment = {
            "LD_PRELOAD": str(compile_shim("disk", lab)),
            "FAULTS_FOLDER": str(folder.resolve()),
            "FAULTS_RECORD": str(self._record),
            "FAULTS_FAILING": str(self._failing),
        }

    def fail(self, *, on: bool) -> None:
        """Let every sync fail from now on, or none any more."""
        if on:
            self._failing.touch()
        else:
            self._failing.unlink()

    def forget(self) -> None:
        """Forget what was done so far."""
        self._record.unlink(missing_ok=True)

    def take(self) -> list[Step]:
        """Return what was done since then; what does it must have ended."""
        return list(read_record(self._record.read_bytes()))


def read_record(record: bytes) -> Iterator[Step]:
    """Yield what was done; the last may be cut off, as its author was killed."""
    at = 0
    while at + _HEAD.size <= len(record):
        kind, length, offset, name = _HEAD.unpack_from(record, at)
        data = record[at + _HEAD.size : at + _HEAD.size + length]
        yield Step(Kind(kind), name.rstrip(b"\0").decode(), offset, data)
        at += _HEAD.size + length


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)
    syncing: int = 0
    """How many of the pending the sync will have made sure of that began last."""


class Disk:
    """The files of a folder, as a server changes them step by step."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files: dict[str, _File] = defaultdict(_File)
        for name, content in files.items():
            self._files[name].durable += content

    def follow(self, step: Step) -> None:
        """Go on by a step."""
        file = self._files[step.name] if step.name else _File()
        match step.kind:
            case Kind.WRITE | Kind.TRUNCATE:
                file.pending.append(step)
            case Kind.SYNCING:
                file.syncing = len(file.pending)
            case Kind.SYNCED:
                for each in file.pending[: file.syncing]:
                    _apply(file.durable, each)
                del file.pending[: file.syncing]
                file.syncing = 0
            case Kind.FAILED:
                file.pending.clear()
                file.syncing = 0

    def lose_power(self, target: Path, loss: Loss, chance: Random) -> None:
        """Write what would be there if the power were cut now into a new folder."""
        target.mkdir()
        for name, file in self._files.items():
            content = bytearray(file.durable)
            for step in file.pending:
                for part in _survivors(step, loss, chance):
                    _apply(content, part)
            (target / name).write_bytes(content)


def _survivors(step: Step, loss: Loss, chance: Random) -> Iterator[Step]:
    if loss is Loss.ALL:
        return
    if loss is Loss.NONE:
        yield step
    elif step.kind is Kind.TRUNCATE:
        if chance.random() < 0.5:
            yield step
    else:
        start = 0
        while start < len(step.data):
            # Sectors are those of the file, wherever the write begins.
            end = start + _SECTOR - (step.offset + start) % _SECTOR
            if chance.random() < 0.5:
                yield Step(step.kind, step.name, step.offset + start, step.data[start:end])
            start = end


def _apply(content: bytearray, step: Step) -> None:
    if step.kind is Kind.TRUNCATE:
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
    else:
        content.extend(bytes(max(0, step.offset - len(content))))
        content[step.offset : step.offset + len(step.data)] = step.data
