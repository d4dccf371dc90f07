"""The chat as it is run: a process that can be stopped, paused, killed and started again on its port."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from faults.case import require


class Server:
    """The chat, with everything in a folder.

    `inside` is a command that runs it, if it isn't to be run just so; `environment` is what it is to find
    there besides where Python's modules are, such as its settings.
    """

    def __init__(self, folder: Path, *inside: str, **environment: str) -> None:
        self.folder = folder
        self.address = ""
        self.environment = environment
        self.failpoint = ""
        """Where it is to fail in its next lives, if anywhere: one of those that `failing` has."""
        self.pid = 0
        """Of the first process: of the command, where there is one that stays."""
        self._inside = inside
        self._process: Process | None = None
        self._output = bytearray()
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a process that hasn't ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def output(self) -> str:
        """What it has printed since it said where it is, over all its lives."""
        return self._output.decode(errors="replace")

    async def start(self) -> None:
        """Start it, and wait until it says where it is."""
        port = self.address.rpartition(":")[2] or "0"
        entry = ["faults.failing", self.failpoint] if self.failpoint else ["hubbub"]
        self._process = await self._run(*self._inside, sys.executable, "-m", *entry, "serve", "--port", port)
        self.pid = self._process.pid
        self.address = await self._read_address(self._process)
        self._reading = asyncio.create_task(self._read_on(self._process))

    async def command(self, name: str, *arguments: str) -> str:
        """Do something to its folder by a command of the chat; return what that says.

        Raises:
            BrokenError: if it fails.
        """
        process = await self._run(*self._beside(), sys.executable, "-m", "hubbub", name, *arguments)
        said, _ = await process.communicate()
        require(process.returncode == 0, f"{name} failed: {said.decode(errors='replace')}")
        return said.decode()

    def _beside(self) -> Sequence[str]:
        """Return what runs a command where the server's folder is what it is for the server."""
        if not (self._inside and self.is_running):
            return ()
        user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        return ("nsenter", f"--target={self.pid}", "--mount", *user)

    async def _run(self, *program: str) -> Process:
        environment = {"PATH": os.defpath, "PYTHONPATH": ":".join(filter(None, sys.path))}
        return await asyncio.create_subprocess_exec(
            *program,
            f"--data={self.folder}",
            stdout=PIPE,
            stderr=STDOUT,
            env=environment | self.environment,
            # What is sent to it is sent to what it runs inside as well.
            start_new_session=True,
        )

    async def _read_address(self, process: Process) -> str:
        assert process.stdout is not None
        said = []
        while line := (await process.stdout.readline()).decode(errors="replace"):
            if found := re.search(r"http://\S+:\d+", line):
                return found[0]
            said.append(line)
        raise AssertionError("".join(said) or "it has ended without a word")

    async def _read_on(self, process: Process) -> None:
        """Take what it prints, so that it never waits for us."""
        assert process.stdout is not None
        while some := await process.stdout.read(65536):
            self._output += some

    def pause(self) -> None:
        """Let it stand still, in the middle of whatever it does."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def stop(self, *, kill: bool = False) -> None:
        """Stop it: as Ctrl+C does, or without a last word."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL if kill else signal.SIGTERM)
        await self.wait_ended()

    async def wait_ended(self) -> None:
        """Wait until it has ended, and everything that it said is read."""
        if self._process is not None:
            await self._process.wait()
        if self._reading is not None:
            await self._reading
        self._process = self._reading = None

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)
