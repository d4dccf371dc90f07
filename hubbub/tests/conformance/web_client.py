"""The web page's engine, as a program that Node runs, for the scripts to be played to."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
VITE = WEB / "node_modules" / "vite" / "bin" / "vite.js"


def build_engine(folder: Path) -> list[str]:
    """Build the program into a folder, and return the command that runs it."""
    node = os.environ.get("NODE") or shutil.which("node")
    assert node is not None, "there is no Node: run ./run setup"
    assert VITE.is_file(), "the page's packages aren't there: run ./run setup"
    options = ["--config", "tests/program/vite.config.ts", "--outDir", str(folder), "--logLevel", "warn"]
    subprocess.run([node, str(VITE), "build", *options], cwd=WEB, check=True)
    has_websocket = subprocess.check_output([node, "-p", "typeof WebSocket"], text=True) == "function\n"
    flags = ["--no-warnings"] if has_websocket else ["--no-warnings", "--experimental-websocket"]
    return [node, *flags, str(folder / "engine.mjs")]


class WebClient:
    """Keeps up with one room as a page does, in a process of its own."""

    def __init__(self, command: Sequence[str], me: str) -> None:
        self._command = command
        self._me = me
        self._texts: list[str] = []
        self._changed = asyncio.Event()

    async def start(self, address: str, token: str, room: str) -> None:
        """Begin to keep up."""
        self._room = room
        self._process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
        self._reading = asyncio.create_task(self._read())
        self._tell("start", address=address, token=token, me=self._me)

    async def send(self, text: str) -> None:
        """Have a message sent, whatever becomes of it."""
        self._tell("send", text=text)

    async def wait_texts(self, texts: list[str]) -> None:
        """Wait until these are the texts that the page would show."""
        while self._texts != texts:
            self._changed.clear()
            await self._changed.wait()

    async def stop(self) -> None:
        """Close the page."""
        self._stdin.close()
        assert await self._process.wait() == 0
        await self._reading

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin

    def _tell(self, what: str, **more: str) -> None:
        self._stdin.write(json.dumps({"do": what, "room": self._room, **more}).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._texts = json.loads(line)["texts"]
            self._changed.set()
