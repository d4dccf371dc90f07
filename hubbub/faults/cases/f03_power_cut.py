"""The power is cut at many moments, most of them right after somebody was told of a message.

By the record of all that the server wrote, synced and sent, the disk is made as it would be then: what was
not synced is lost, or there in parts.  Every message that anybody was told of is there, and the database is
whole.  The same without waiting for the disk (synchronous=NORMAL) loses messages: if it didn't, the case
would see nothing.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import NamedTuple

from faults.case import BrokenError, Size, require
from faults.disk import Disk, Kind, Loss, Recorder, Step
from faults.lab import LOBBY, Lab
from hubbub.storage.backup import back_up
from hubbub.storage.engine import open_engines, sqlite_url
from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.folder import DATABASE
from hubbub.storage.streams import read_after

TOLD = re.compile(rb'"t":"ok","id":\d+,"q":(\d+),|"t":"ev","s":"r_lobby","q":(\d+),')
LOSSES = (Loss.ALL, Loss.ALL, Loss.SOME, Loss.NONE)
FILES = (DATABASE, f"{DATABASE}-wal")
PAUSE = 0.03
MORE = ", and so on" * 200
"""So much that the log is emptied into the database meanwhile."""


class Life(NamedTuple):
    """What a server did from its start to its end, and the files that it began with."""

    files: dict[str, bytes]
    steps: list[Step]


async def run(lab: Lab, size: Size) -> None:
    """Cut the power in thought, and in the end for those who were there."""
    server = await lab.start_server()
    await lab.admit_all(4)
    recorder = Recorder(server.folder, lab.folder)
    server.environment |= recorder.environment
    cuts = size.pick(24, 200)

    life = await live(lab, recorder, asyncio.sleep(size.pick(3.0, 20.0)))
    lost = await cut_often(lab, life, cuts)
    require(not lost, f"people were told of messages that a cut of power took: {sorted(lost)[:5]}")
    lab.show("cuts of power", cuts)
    emptied = sum(step.kind is Kind.SYNCED and step.name == DATABASE for step in life.steps)
    lab.show("times the log was emptied", emptied)
    await lab.settle()
    lab.show("messages", len(lab.logs[LOBBY]))

    relaxed = await live(lab, recorder, asyncio.sleep(size.pick(1.0, 5.0)), "without_sync")
    lost = await cut_often(lab, relaxed, cuts // 3)
    require(lost, "without waiting for the disk nothing was lost: this case sees nothing")
    lab.show("messages lost by synchronous=NORMAL", len(lost))


async def live(lab: Lab, recorder: Recorder, act: Awaitable[None], failpoint: str = "") -> Life:
    """Let people talk while something is done, until the server is killed.

    Without a failpoint they come back to what a cut of power leaves.
    """
    server = lab.server
    await server.stop()
    recorder.forget()
    files = {name: (server.folder / name).read_bytes() for name in FILES if (server.folder / name).exists()}
    await lab.restart(failpoint)
    talking = [lab.keep_doing(lab.talk(device, PAUSE, more=MORE)) for device in lab.devices.values()]
    await act
    await server.stop(kill=True)
    for task in talking:
        task.cancel()
    life = Life(files, recorder.take())
    if not failpoint:
        put_back(lab, life)
        await lab.restart()
    return life


def put_back(lab: Lab, life: Life) -> None:
    """Let the server's folder be as a cut of power leaves it at the end."""
    disk = Disk(life.files)
    for step in life.steps:
        disk.follow(step)
    left = lab.folder / "left"
    disk.lose_power(left, Loss.SOME, lab.chance)
    for name in (*FILES, f"{DATABASE}-shm"):
        (lab.server.folder / name).unlink(missing_ok=True)
    for name in FILES:
        shutil.copyfile(left / name, lab.server.folder / name)


async def cut_often(lab: Lab, life: Life, cuts: int) -> set[int]:
    """Cut the power at some moments; return the messages that are gone though somebody was told of them."""
    moments = choose(lab, life.steps, cuts)
    disk, told, lost = Disk(life.files), set[int](), set[int]()
    for index, step in enumerate(life.steps):
        disk.follow(step)
        if step.kind is Kind.SENT:
            told |= numbers_in(step)
        if index in moments:
            folder = lab.folder / f"cut-{index}"
            disk.lose_power(folder, lab.chance.choice(LOSSES), lab.chance)
            lost |= told - set(await read_numbers(folder))
            await asyncio.to_thread(shutil.rmtree, folder)
    return lost


def choose(lab: Lab, steps: Sequence[Step], cuts: int) -> set[int]:
    """Choose moments: most right after somebody was told of a message, the others at any time."""
    telling = [index for index, step in enumerate(steps) if step.kind is Kind.SENT and numbers_in(step)]
    require(telling, "nobody was told of a message")
    right_after = lab.chance.sample(telling, min(len(telling), cuts * 3 // 4))
    return {*right_after, *lab.chance.sample(range(len(steps)), cuts - len(right_after))}


def numbers_in(step: Step) -> set[int]:
    """Return the numbers of the messages that were told of."""
    return {int(ok or ev) for ok, ev in TOLD.findall(step.data)}


async def read_numbers(folder: Path) -> list[int]:
    """Return the numbers of what a database has after a cut of power.

    Raises:
        BrokenError: if it isn't whole.
    """
    try:
        await asyncio.to_thread(back_up, folder / DATABASE, folder / "copy", lambda *_: None)
    except StorageUnusableError as error:
        raise BrokenError(f"after a cut of power the database isn't whole: {error}") from error
    engines = open_engines(sqlite_url(folder / "copy"))
    try:
        async with engines.reading.connect() as connection:
            return [event.q for event in await read_after(connection, LOBBY, 0)]
    finally:
        await engines.dispose()
