"""What a page has started: its processes, what they have printed, and how they are ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from pathlib import Path
from typing import Self

from .interpreter import MARK

# Bytes: a line may be a whole report.
_LONGEST_LINE = 2**22

#: Seconds that a process has to end by itself after Ctrl-C.
GRACE = 5.0


class Output:
    """What a block, or a command, has printed so far, and whether it has ended."""

    def __init__(self) -> None:
        self.text = ""
        self.has_ended = False
        #: Whether nothing more can come.
        self.is_final = False
        #: Why it failed, if it has.
        self.error: str | None = None

    def shows(self, expected: str) -> bool:
        """Say whether this is what a page shows, where `...` is anything."""
        pattern = ".*?".join(map(re.escape, _normal(expected).split("...")))
        return re.fullmatch(pattern, _normal(self.text), re.DOTALL) is not None


def _normal(text: str) -> str:
    """Return lines without the spaces and the empty lines at their ends."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


class Command:
    """A command of a shell."""

    def __init__(self, text: str, process: Process) -> None:
        self.text = text
        self.output = Output()
        self._process = process
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, text: str, folder: Path, environment: dict[str, str], *, is_typed_into: bool = False
    ) -> Self:
        """Start a command, in a group of processes of its own."""
        process = await asyncio.create_subprocess_shell(
            text,
            stdin=PIPE if is_typed_into else DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
            limit=_LONGEST_LINE,
        )
        return cls(text, process)

    async def _read(self) -> None:
        """Take what it prints, and note its end."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._printed(line.decode(errors="replace"))
        status = await self._process.wait()
        if status:
            self.output.error = f"{self.text} ended with status {status}:\n{self.output.text}"
        self.output.has_ended = self.output.is_final = True

    def _printed(self, text: str) -> None:
        self.output.text += text

    def trouble(self) -> str | None:
        """Return what has gone wrong in the background, if anything has."""
        return self.output.text if "Traceback" in self.output.text else None

    def type(self, line: str) -> None:
        """Type a line into it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and all that it has started; Ctrl-C is SIGINT."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def ended(self) -> None:
        """Wait for its end.

        Raises:
            AssertionError: if it doesn't come.
        """
        done, _ = await asyncio.wait([self._reader], timeout=GRACE)
        assert done, f"{self.text} goes on after Ctrl-C, or at its input's end"

    async def end(self) -> None:
        """End it as a reader would, and if that doesn't do, all the same."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        else:
            self.signal(signal.SIGINT)
        with contextlib.suppress(AssertionError):
            await self.ended()
        self.signal(signal.SIGKILL)
        await self._reader


class Interpreter(Command):
    """The process of a page's Python blocks; see ``interpreter``."""

    def __init__(self, text: str, process: Process) -> None:
        super().__init__(text, process)
        self._blocks: list[Output] = []
        self._trouble: str | None = None

    @classmethod
    async def start_for(cls, folder: Path, environment: dict[str, str]) -> Self:
        """Start an interpreter in a page's folder."""
        script = Path(__file__).with_name("interpreter.py")
        command = f"exec {shlex.join([sys.executable, str(script)])}"
        return await cls.start(command, folder, environment, is_typed_into=True)

    def run(self, name: str, source: str) -> Output:
        """Run a block; return what is printed from now on, by blocks before it too."""
        self._blocks.append(Output())
        self.type(json.dumps([len(self._blocks) - 1, name, source]))
        return self._blocks[-1]

    def _printed(self, text: str) -> None:
        printed, mark, reported = text.partition(MARK)
        self.output.text += printed
        if self._blocks:
            self._blocks[-1].text += printed
        if not mark:
            return
        report = json.loads(reported)
        if "trouble" in report:
            self._trouble = self._trouble or report["trouble"]
        else:
            block = self._blocks[report["ended"]]
            block.has_ended, block.error = True, report["error"]
            self._trouble = self._trouble or block.error

    def trouble(self) -> str | None:
        """Return what a block raised, or what was logged as an error, or that the interpreter is gone."""
        return self._trouble or self.output.error or super().trouble()
