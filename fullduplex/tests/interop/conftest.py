"""Programs of Node, for tests that let them talk with us: started, commanded, listened to, ended."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
# A line may hold a message of a mebibyte, in base64.
LINE_LIMIT = 4 * 2**20

Details = dict[str, Any]


class Peer:
    """A program of `peers/`: what happens to its connection, and commands to it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def told(self, event: str) -> Details:
        """Return the details of the next event, which has to be `event`."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        details: Details = json.loads(line or '{"event": "end of the program"}')
        assert details.pop("event") == event, details
        return details

    async def heard(self) -> str | bytes:
        """Return the message that comes next."""
        details = await self.told("message")
        return base64.b64decode(details["binary"]) if "binary" in details else details["text"]

    def command(self, verb: str, *details: object) -> None:
        """Have the program do something with its connection; see `peers/conversation.js`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([verb, *details]).encode() + b"\n")

    def say(self, message: str | bytes, **options: bool) -> None:
        """Have the program send a message, or with `fin=False` a part of one."""
        if isinstance(message, str):
            self.command("text", message, options)
        else:
            self.command("binary", base64.b64encode(message).decode(), options)


StartPeer = Callable[..., AbstractAsyncContextManager[Peer]]


@pytest.fixture(scope="session")
def start_peer() -> StartPeer:
    """Return what starts a program of `peers/` and ends it with its block.

    Without Node, or without its packages, the test is skipped, and under CI it fails.
    """
    node = os.environ.get("NODE") or shutil.which("node")
    lack = None if node else "no Node on PATH, and none named in NODE"
    if not (FOLDER / "node_modules" / "ws").is_dir():
        lack = f"no npm packages: run `npm ci` in {FOLDER}"
    if lack is not None:
        reason = f"{lack}; nothing was tested against Node's WebSockets"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

    @contextlib.asynccontextmanager
    async def start(script: str, *arguments: object, flags: Sequence[str] = ()) -> AsyncIterator[Peer]:
        words = [argument if isinstance(argument, str) else json.dumps(argument) for argument in arguments]
        command = [str(node), *flags, str(FOLDER / "peers" / script), *words]
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=LINE_LIMIT)
        try:
            yield Peer(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    return start
