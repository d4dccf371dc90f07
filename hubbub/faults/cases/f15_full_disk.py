"""The disk is full, again and again: a server on a small one (tmpfs), while everybody writes.

Messages are refused for now (`storage_full`) and stay in the outboxes, and so are guests; what is stored can
be read, and `/readyz` says 507.  With room again all is stored, and the database is whole.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from faults.case import BrokenError, Size, UnseenError, require
from faults.device import Device
from faults.lab import LOBBY, LONG_WAIT, Lab

FULL = 507
TRIES = 200

# In a mount namespace of its own the chat has a small disk, which goes when it does.
UNSHARE = ("unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]))
MOUNT = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"'


async def run(lab: Lab, size: Size) -> None:
    """Fill the disk and make room."""
    folder = lab.folder / "data"
    folder.mkdir()
    inside = (*UNSHARE, "sh", "-c", MOUNT, str(folder))
    await try_mount(inside)
    server = await lab.start_server(*inside)
    devices = await lab.admit_all(size.pick(4, 10))
    disk = Path(f"/proc/{server.pid}/root{folder}")
    rounds = size.pick(1, 5)
    for _ in range(rounds):
        await asyncio.gather(*(device.say(LOBBY, "there is room") for device in devices))
        with full(disk):
            await go_without_room(lab, devices, size.pick(1.0, 10.0))
        await lab.settle(most=LONG_WAIT)
        require(await ask_health(lab) == 200, "with room again, /readyz doesn't say so")
    await server.command("backup", str(lab.folder / "copy"))
    lab.show("times full", rounds)
    lab.show("messages", len(lab.logs[LOBBY]))


async def try_mount(inside: tuple[str, ...]) -> None:
    """See whether there can be a small disk.

    Raises:
        UnseenError: if there can't.
    """
    process = await asyncio.create_subprocess_exec(*inside, "true")
    if await process.wait():
        raise UnseenError("no small disk can be mounted")


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave no room on a disk as long as the context lasts."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    yield
    filler.unlink()


async def go_without_room(lab: Lab, devices: list[Device], seconds: float) -> None:
    """Go on until all is refused, and for some time more; see what is answered then."""
    talking = [lab.keep_doing(lab.talk(device, 0.1)) for device in devices]
    await wait_full(lab)
    await asyncio.sleep(seconds)
    for task in talking:
        task.cancel()
    waiting = sum(device.waiting for device in devices)
    lab.show("messages that waited for room", waiting)
    require(waiting, "with a full disk, everything was stored")
    codes = {error.code for device in devices for error in device.errors}
    require(codes == {"storage_full"}, f"with a full disk, messages were refused as {codes}")
    page = await devices[0].client.history(LOBBY, after=0)
    require(page.msgs, "with a full disk, nothing can be read")
    async with httpx.AsyncClient(base_url=lab.server.address, trust_env=False) as asking:
        refused = await asking.post("/v1/guests", json={"name": "Late"})
    require(refused.status_code == FULL, f"with a full disk a guest was told {refused.status_code}")
    require(refused.json()["error"]["code"] == "storage_full", f"a guest was told {refused.text}")


async def wait_full(lab: Lab) -> None:
    """Wait until the server says that it can store nothing; what is free in its files, it may still use."""
    for _ in range(TRIES):
        if await ask_health(lab) == FULL:
            return
        await asyncio.sleep(0.1)
    raise BrokenError("with a full disk, /readyz doesn't say so")


async def ask_health(lab: Lab) -> int:
    """Return how the server says it is."""
    async with httpx.AsyncClient(base_url=lab.server.address, trust_env=False) as asking:
        return (await asking.get("/readyz")).status_code
