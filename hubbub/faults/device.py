"""A device of a user, on the SDK: what it is told goes into the history, what it has to say into a file.

Knows of the SDK what it is made of, since a program isn't told everything that the judge has to know: under
which nonce something is written, and each event before the program takes it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from faults.history import Acknowledged, Denied, Entry, History, Refilled, Shown, Wrote
from hubbub import wire
from hubbub.client.client import WAITING, Client
from hubbub.client.errors import RequestRefused, SessionEnded
from hubbub.client.guests import SignedIn
from hubbub.client.link import State
from hubbub.client.news import Happened, Lost, News, Opened, Refused, Reset, Stored
from hubbub.client.outbox import open_outbox
from hubbub.client.sync import Sync
from hubbub.client.writes import Request, nonce_of

# How these begin; texts have no quotes but escaped ones.
_GAP: Final = '{"t":"gap"'
_ERROR: Final = '{"t":"err"'


def entry_of(event: wire.Event, user: str) -> Entry:
    """Return what a user was sent as it is stored."""
    return Entry(stream_of(event.s, user), event.q, event.k, event.by, _body_of(event))


def stream_of(name: str, user: str) -> str:
    """Return how the history calls a stream that the user calls so."""
    return f"me:{user}" if name == wire.ME else name


def _body_of(event: wire.Event) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(event.d)
    if event.k == "member":
        body["user"] = body["user"]["id"]
    return body


class Device:
    """One device of a user; it may leave and come again, and its outbox outlives that.

    `address` is the server's, or that of what stands before it.
    """

    def __init__(self, name: str, address: str, folder: Path, signed_in: SignedIn, history: History) -> None:
        self.name = name
        self.signed_in = signed_in
        self.user = signed_in.me.id
        self.token = signed_in.token
        self.opened_at = 0.0
        """When its last session began, by the loop's clock."""
        self.lost_at = 0.0
        """When its last connection was found to be gone, or couldn't be had."""
        self.gaps = 0
        """How often it was told that something was left out."""
        self.answers: dict[str, wire.Answer | wire.Result] = {}
        """What it was told of each of its writes that is done, by the nonce."""
        self.refused: dict[str, wire.Err] = {}
        self.failures: list[BaseException] = []
        """What went wrong in the SDK itself."""
        self.errors: list[wire.Err] = []
        """What the server said instead of an answer, also where it is asked again."""
        self.heard = asyncio.Event()
        """Set at each news; clear it, then look, then wait."""
        self._address = address
        self._outbox = folder / f"{name}.outbox"
        self._history = history
        self._written: dict[str, str] = {}
        self._client: Client | None = None
        self._sync: _Sync | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._saying: set[asyncio.Task[Any]] = set()

    # Its life

    async def arrive(self, *, at: Mapping[str, wire.At] | None = None) -> None:
        """Connect, and wait until one's rooms are known; what earlier runs left unsaid is said.

        Of rooms that `at` has every event is read from there on, however old.
        """
        self._sync = _Sync(self, at)
        for s, (epoch, q) in (at or {}).items():
            self._history.note(Refilled(self.name, s, epoch, q))
        self._client = Client(self._address, self.token, self._sync, open_outbox(self._outbox), WAITING)
        await self._client.open()
        self._tasks.add(asyncio.create_task(self._iterate(self._client)))

    async def leave(self) -> None:
        """Go as a program does that is ended; what isn't stored yet stays in the file."""
        if self._client is not None:
            await self._client.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._client = self._sync = None

    # What it does

    @property
    def client(self) -> Client:
        """The SDK's client, while it is there."""
        assert self._client is not None
        return self._client

    def write(self, room: str, text: str, re: int | None = None) -> None:
        """Write a message, perhaps in answer to another, and don't wait for the answer."""
        saying = self._spawn(self.say(room, text, re))
        self._saying.add(saying)
        saying.add_done_callback(self._saying.discard)

    async def say(self, room: str, text: str, re: int | None = None) -> wire.SendOk:
        """Write a message, and wait until it is stored."""
        return await self.client.send(room, text, re=re)

    # What it has

    @property
    def is_here(self) -> bool:
        """Whether it has arrived, and not left."""
        return self._sync is not None

    @property
    def waiting(self) -> int:
        """How many of its writes are neither done nor refused."""
        return 0 if self._sync is None else max(self._sync.unanswered, len(self._saying))

    @property
    def is_connected(self) -> bool:
        """Whether it has a session just now."""
        return self._sync is not None and self._sync.state is State.OPEN

    def stands(self, s: str) -> wire.At | None:
        """Return where it is in a stream, by epoch and number."""
        if self._sync is None:
            return None
        return self._sync.positions.get(wire.ME if s.startswith("me:") else s)

    def note_written(self, request: Request) -> None:
        """Note that something is to be written; it may be said again after a return."""
        nonce = nonce_of(request)
        if isinstance(request, wire.Send) and nonce not in self._written:
            self._written[nonce] = request.s
            self._history.note(Wrote(self.name, self.user, request.s, nonce))

    def note_errors(self, text: str) -> None:
        """Note what is refused, also where it will be said again."""
        with suppress(wire.BadFrameError):
            for frame in wire.split(text) if _ERROR in text else ():
                said = wire.decode_reply(frame)
                self.errors += [said] if isinstance(said, wire.Err) else []

    def note_news(self, news: News) -> None:
        """Note what it is told."""
        match news:
            case Opened():
                self.opened_at = asyncio.get_running_loop().time()
            case Lost():
                self.lost_at = asyncio.get_running_loop().time()
            case Reset():
                s = stream_of(news.stream, self.user)
                self._history.note(Refilled(self.name, s, news.epoch, news.head))
            case Happened():
                self._history.note(Shown(self.name, entry_of(news.event, self.user)))
            case Stored():
                self.answers[news.nonce] = news.answer
                if isinstance(news.answer, wire.SendOk) and (room := self._written.get(news.nonce)):
                    self._history.note(Acknowledged(self.user, news.nonce, room, news.answer.q))
            case Refused():
                self.refused[news.nonce] = news.error
                self._history.note(Denied(self.user, news.nonce))
        self.heard.set()

    async def _iterate(self, client: Client) -> None:
        try:
            async for _ in client:
                pass
        except SessionEnded as ended:
            # What the server ends is a matter of the case; by itself, the SDK ends nothing.
            if ended.code is None:
                self.failures.append(ended)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, RequestRefused | SessionEnded):
            self.failures.append(error)


class _Sync(Sync):
    """The engine, overheard."""

    def __init__(self, device: Device, at: Mapping[str, wire.At] | None) -> None:
        program = wire.Client(device.name, "1")
        super().__init__(program, device.token, random.random, complete=at is not None, at=at)
        self._device = device

    def frame_received(self, text: str, now: float) -> None:
        """Take a message, and note gaps and errors in it; what becomes of them, the engine decides."""
        self._device.gaps += text.count(_GAP)
        self._device.note_errors(text)
        super().frame_received(text, now)

    def write(self, request: Request, now: float) -> None:
        """Keep a write, and note it."""
        self._device.note_written(request)
        super().write(request, now)

    def take_news(self) -> list[News]:
        """Return news, and note them."""
        news = super().take_news()
        for each in news:
            self._device.note_news(each)
        return news
