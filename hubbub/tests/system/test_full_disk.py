"""A disk that is full, under a chat that is running: what is said of it, and what is there afterwards."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from faults.server import Server

from .clients import Client, dial, read_log, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

# In a mount namespace of its own the chat has a small disk, which goes when it does.
IS_ROOT = os.geteuid() == 0
UNSHARE = ("unshare", "--mount") if IS_ROOT else ("unshare", "--map-root-user", "--mount")
MOUNT = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the small disk is mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    tried = subprocess.run([*UNSHARE, "sh", "-c", MOUNT, folder, "true"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("no small disk can be mounted here: no full one was tested")
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def server(folder: Path) -> AsyncIterator[Server]:
    """Run a chat on a small disk."""
    server = Server(folder, *UNSHARE, "sh", "-c", MOUNT, str(folder))
    await server.start()
    yield server
    await server.stop(kill=True)


def fill(disk: Path) -> None:
    """Leave no room on a disk."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (4096, 1):
            try:
                while filler.write(b"x" * size):
                    pass
            except OSError:
                continue


async def verify(server: Server, folder: Path, copy: Path) -> None:
    """Make a copy of what is on the disk, which verifies it."""
    enter = [
        "nsenter",
        f"--target={server.pid}",
        "--mount",
        *([] if IS_ROOT else ["--user", "--preserve-credentials"]),
    ]
    backup = [sys.executable, "-m", "hubbub", "backup", str(copy), "--data", str(folder)]
    environment = {"PATH": os.defpath, "PYTHONPATH": ":".join(filter(None, sys.path))}
    process = await asyncio.create_subprocess_exec(*enter, *backup, env=environment)
    assert await process.wait() == 0


async def test_full_disk_is_no_end(server: Server, folder: Path, tmp_path: Path) -> None:
    """Without room, messages are refused for now, and can be read; with room again, they are taken."""
    disk = Path(f"/proc/{server.pid}/root{folder}")
    token = await sign_in(server.address, "Ann")
    async with dial(server.address, token) as connection, httpx.AsyncClient(base_url=server.address) as http:
        ann = Client(connection)
        await ann.hello()
        await ann.send("nonce-000", "first")
        fill(disk)
        stored = 1
        while (answer := await ann.send(f"nonce-{stored:03}", "x" * 10_000))["t"] == "ok":
            stored += 1
        readable = len(await read_log(ann))
        health = await http.get("/healthz")
        newcomer = await http.post("/v1/guests", json={"name": "Bob"})
        (disk / "filler").unlink()
        again = await ann.send(f"nonce-{stored:03}", "x" * 10_000)
        back = await http.post("/v1/guests", json={"name": "Bob"})
        await verify(server, folder, tmp_path / "copy")
        log = await read_log(ann)

    assert (answer["code"], answer["retry"]) == ("storage_full", True)
    assert readable == stored
    assert (health.status_code, health.json()) == (507, {"status": "storage_full"})
    assert newcomer.status_code == 507
    assert (again["t"], back.status_code) == ("ok", 201)
    assert [message["n"] for message in log] == [f"nonce-{number:03}" for number in range(stored + 1)]
