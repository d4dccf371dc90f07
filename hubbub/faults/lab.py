"""Where a case happens: a server, people with devices, the history of what they saw, and chance by a seed.

Knows the chat from outside only: it asks by HTTP what is stored.

Invariants:

1. Everything that runs here has ended when the lab is left, whatever happened in it.
2. What is stored is noted in its order, each event once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from faults.case import BrokenError, UnseenError, require
from faults.checker import Violation, check
from faults.device import Device, entry_of
from faults.history import Committed, Entry, History, Opened, Restored, Settled
from faults.postgresql import PostgreSQL, find_programs
from faults.server import Server
from hubbub.client.guests import sign_in_guest
from hubbub.wire import http

LOBBY: Final = "r_lobby"
HEALING: Final = 5.0
"""Seconds after which all is well again once nothing is wrong any more."""
LONG_WAIT: Final = 35.0
"""Seconds in which who was refused again and again tries once more, who waits for 30 s at most."""
PATIENCE: Final = 60.0
"""Seconds after which it is taken for stuck; in between it is late."""
LEAVING: Final = 20.0
"""Seconds that the devices have to leave, before the servers are killed under them."""
_GLANCE: Final = 0.05

# The limits are for people; what talks here is many at once, on one address and in one go.
GENEROUS: Final = {
    f"HUBBUB_{name}": "1000000"
    for name in (
        "WRITE_BURST",
        "WRITES_PER_SECOND",
        "USER_WRITE_BURST",
        "USER_WRITES_PER_SECOND",
        "ADDRESS_WRITE_BURST",
        "ADDRESS_WRITES_PER_SECOND",
        "HELLO_BURST",
        "HELLOS_PER_SECOND",
    )
}


class Lab:
    """A folder, and what happens in it; by the same seed, chance is the same."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.chance = Random(seed)
        self.history = History(folder / "history.jsonl")
        self.devices: dict[str, Device] = {}
        self.figures: dict[str, str] = {}
        """What was measured, for the table."""
        self.late: list[str] = []
        """What took longer than it may."""
        self.logs: dict[str, list[Entry]] = {}
        """What is stored, as far as it has been read."""
        self._longest: dict[str, float] = {}
        self._servers: list[Server] = []
        self._epochs: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING):
                leaving = (device.leave() for device in self.devices.values())
                await asyncio.gather(*leaving, return_exceptions=True)
        await asyncio.gather(*(server.stop(kill=True) for server in self._servers))
        self.history.close()

    # Who takes part

    @property
    def server(self) -> Server:
        """The server that was started first."""
        return self._servers[0]

    async def start_server(
        self, *inside: str, name: str = "data", failpoint: str = "", **environment: str
    ) -> Server:
        """Start a server with a folder of this name, inside a command or just so, with these settings."""
        server = Server(self.folder / name, *inside, **GENEROUS | environment)
        server.failpoint = failpoint
        self._servers.append(server)
        await server.start()
        return server

    @asynccontextmanager
    async def start_postgresql(self, *settings: str) -> AsyncIterator[PostgreSQL]:
        """Run a PostgreSQL server with a database `chat` as long as the context lasts."""
        programs = find_programs()
        if programs is None:
            raise UnseenError("there is no PostgreSQL")
        with PostgreSQL(programs, *settings) as postgresql:
            await postgresql.make("chat")
            yield postgresql

    async def restart(self, failpoint: str = "", *, kill: bool = False) -> None:
        """Stop the server, unless it has ended, start it with this failpoint, and wait for all to be back."""
        await self.server.stop(kill=kill)
        self.server.failpoint = failpoint
        await self.server.start()
        await self.until(lambda: all(device.is_connected for device in self._present()), "everybody is back")

    async def admit(self, name: str, *, via: str | None = None, like: Device | None = None) -> Device:
        """Let somebody come: a new guest, or one who is here already and has another device.

        `via` is the address of what stands before the server.
        """
        address = self.server.address
        signed_in = await sign_in_guest(address, name) if like is None else like.signed_in
        device = Device(name, via or address, self.folder, signed_in, self.history)
        self.devices[name] = device
        await device.arrive()
        return device

    async def admit_all(self, count: int) -> list[Device]:
        """Let so many guests come."""
        return [await self.admit(f"guest-{number:02}") for number in range(count)]

    def keep_doing(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside all else, at the latest until the lab is left."""
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def talk(self, device: Device, pause: float, room: str = LOBBY, more: str = "") -> None:
        """Let someone write at random moments, on an average with this pause, until cancelled.

        `more` is what they say besides.
        """
        number = 0
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / pause))
            device.write(room, f"{device.name} says {number}{more}")
            number += 1

    # What is seen

    def show(self, what: str, figure: object) -> None:
        """Put a figure into the table."""
        self.figures[what] = f"{figure:.2f}" if isinstance(figure, float) else str(figure)

    def time(self, what: str, seconds: float, most: float) -> None:
        """Put seconds into the table, of which there may be so many; of several times the longest."""
        self._longest[what] = max(seconds, self._longest.get(what, 0.0))
        self.show(f"{what}, s", self._longest[what])
        if seconds > most:
            self.late.append(f"{what} took {seconds:.2f} s, and may take {most:g} s")

    async def until(self, condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
        """Wait until something is so; return how many seconds it took.

        Raises:
            BrokenError: if it is stuck; `what` says what is waited for.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        while not condition():
            if loop.time() - start > patience:
                raise BrokenError(f"after {patience:g} s still not: {what}")
            await asyncio.sleep(_GLANCE)
        return loop.time() - start

    async def until_lost(self, device: Device) -> float:
        """Wait until a device finds its connection gone; return how many seconds it took."""
        since = asyncio.get_running_loop().time()
        return await self.until(lambda: device.lost_at > since, f"{device.name} finds out")

    async def until_back(self, device: Device, since: float) -> float:
        """Wait until a device has a session that is younger; return how many seconds it took."""
        return await self.until(lambda: device.opened_at > since, f"{device.name} is back")

    async def settle(self, *rooms: str, most: float = HEALING) -> float:
        """Wait until everybody has everything of some rooms, and note how all stands.

        Everybody is in these rooms, or else in the lobby.  Returns the seconds that it took.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._wait_calm(rooms or (LOBBY,))
        # Where somebody's writes are stuck, nobody has looked yet.
        await self.read_logs(*rooms)
        took = loop.time() - start
        self.time("all well again", took, most)
        await self._note_settled(rooms or (LOBBY,))
        return took

    async def _wait_calm(self, rooms: Sequence[str]) -> None:
        # Nothing tells of it: what is waited for happens in other processes.
        while True:
            if await self._is_calm(rooms):
                return
            await asyncio.sleep(2 * _GLANCE)

    async def _is_calm(self, rooms: Sequence[str]) -> bool:
        require(not self.find_failures(), "the SDK failed")
        if any(device.waiting for device in self.devices.values()):
            return False
        await self.read_logs(*rooms)
        return all(
            device.stands(s) == (self._epochs[s], len(self.logs[s]))
            for device in self._present()
            for s in rooms
        )

    def _present(self) -> list[Device]:
        return [device for device in self.devices.values() if device.is_here]

    async def _note_settled(self, rooms: Sequence[str]) -> None:
        logs = {s: await self._read_now(s) for s in rooms}
        standing = {device.name: {s: device.stands(s) for s in rooms} for device in self._present()}
        waiting = {device.name: device.waiting for device in self.devices.values()}
        self.history.note(Settled(logs, standing, waiting))

    async def read_logs(self, *rooms: str) -> None:
        """Read what has been stored since the last time, by who is there, and note it."""
        reader = self._present()[0]
        async with self._ask(reader) as asking:
            for s in rooms or (LOBBY,):
                await self._read_log(asking, s, reader.user)

    def _ask(self, reader: Device) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.server.address, headers={"Authorization": f"Bearer {reader.token}"}, trust_env=False
        )

    async def _read_log(self, asking: httpx.AsyncClient, s: str, user: str) -> None:
        log = self.logs.setdefault(s, [])
        async for page in _read_pages(asking, s, len(log)):
            if self._epochs.setdefault(s, page.epoch) == page.epoch and not log:
                self.history.note(Opened(s, page.epoch))
            entries = [entry_of(event, user) for event in page.ev]
            for entry in entries:
                self.history.note(Committed(entry))
            log += entries

    async def _read_now(self, s: str) -> list[Entry]:
        """Return a log as it is, which is not as it was read where something has been deleted since."""
        reader, log = self._present()[0], self.logs[s]
        if not any(entry.k == "msg.del" for entry in log):
            return list(log)
        async with self._ask(reader) as asking:
            while True:
                pages = [page async for page in _read_pages(asking, s, 0)]
                entries = [entry_of(event, reader.user) for page in pages for event in page.ev]
                if len(entries) == len(log):
                    return entries
                # What was deleted meanwhile is empty here, and its deletion may not be.
                await self._read_log(asking, s, reader.user)

    async def note_restored(self, heads: dict[str, int]) -> None:
        """Note that the database is as it was when its streams were so long; they have another epoch now."""
        reader = self._present()[0]
        async with self._ask(reader) as asking:
            epoch = (await _read_page(asking, LOBBY, 0)).epoch
        require(epoch not in self._epochs.values(), "what was put back has an epoch that there was before")
        self.history.note(Restored(epoch, heads))
        for s, log in self.logs.items():
            self._epochs[s] = epoch
            del log[heads.get(s, 0) :]

    def find_failures(self) -> list[str]:
        """Return what went wrong in the SDK itself."""
        return [f"{device.name}: {error!r}" for device in self.devices.values() for error in device.failures]

    def judge(self) -> list[Violation]:
        """Return what is wrong with what was seen."""
        return check(self.history.records)


async def _read_pages(asking: httpx.AsyncClient, s: str, after: int) -> AsyncIterator[http.EventsResult]:
    more = True
    while more:
        page = await _read_page(asking, s, after)
        yield page
        after += len(page.ev)
        more = page.more


async def _read_page(asking: httpx.AsyncClient, s: str, after: int) -> http.EventsResult:
    answer = await asking.get(f"/v1/s/{s}/events", params={"after": after})
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        # A log may be longer than anybody may read at once.
        await asyncio.sleep(float(answer.headers["Retry-After"]))
        return await _read_page(asking, s, after)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=http.EventsResult)
