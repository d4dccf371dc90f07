"""The client as programs have it: events to iterate over, requests to wait for, rooms to look at.

Knows which news are for the program.  Keeping streams complete and writes in order is the engine's part, and
who waits for which answer `answers` knows.

Invariants:

1. A write is in the outbox before it is sent, and until it is done or refused.
2. At most `waiting` events wait for the program, and those of one answer more; then the streams pause, and
   go on where they were.  Answers never wait.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self, cast

from hubbub import __version__, wire
from hubbub.client.answers import Answer, Answers, look_at
from hubbub.client.errors import OutboxUnusable, SessionEnded
from hubbub.client.guests import websocket_address
from hubbub.client.line import Line
from hubbub.client.news import (
    Ended,
    Lost,
    Named,
    News,
    Opened,
    Overheard,
    Refused,
    Reset,
    Stored,
    Waiting,
)
from hubbub.client.outbox import Outbox, open_outbox
from hubbub.client.own import BlockedUsers, OwnValues
from hubbub.client.rooms import Rooms
from hubbub.client.stream import Level
from hubbub.client.sync import Question, Sync
from hubbub.client.uploads import file_address, upload
from hubbub.client.writes import Request, nonce_of

log = logging.getLogger(__name__)

WAITING: Final = 1_000

# What needn't be told to a program that is behind: it is no longer true, or the rooms show it.
_PASSING = (Opened, Lost, Overheard, Waiting)


class Client:
    """A user's session; `rooms` has a view of each of their rooms, by its id, `own` what they keep, by key.

    `blocked` has the names of those of whom they want nothing, by id.

    Iterating gives what happens, from the beginning of the session on.  It raises `SessionEnded` when there
    is none any more, and ends when the program has closed it.
    """

    def __init__(self, url: str, token: str, sync: Sync, outbox: Outbox, waiting: int) -> None:
        self.me = wire.MeInfo("", "", "")
        self.rooms = Rooms()
        self.own = OwnValues()
        self.blocked = BlockedUsers()
        self._sync = sync
        self._url = url
        self._token = token
        self._line = Line(websocket_address(url), sync, self._learn)
        self._outbox = outbox
        self._waiting = waiting
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._ended: SessionEnded | None = None
        self._is_closed = False
        self._news: deque[News] = deque()
        self._arrived = asyncio.Event()
        self._is_paused = False
        self._answers = Answers()
        self._writing = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    # Its life

    async def open(self) -> None:
        """Connect, and wait until one's rooms are known; then what earlier runs left unsaid is said.

        Raises:
            SessionEnded: if the server won't have us.
        """
        self._running = self._loop.create_task(self._run())
        await self._ready
        for request in await self._outbox.load(self.me.id):
            self._sync.write(request, self._loop.time())
        self._line.stir()

    async def close(self) -> None:
        """Leave; what isn't stored yet stays in the outbox, if that is a file."""
        self._is_closed = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail(SessionEnded("resume", None, "The program has closed the session."))
        self._arrived.set()
        await self._outbox.close()

    # What happens

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> News:
        while not self._news:
            if self._ended is not None:
                raise self._ended
            if self._is_closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        news = self._news.popleft()
        if self._is_paused and len(self._news) <= self._waiting // 2:
            self._is_paused = False
            self._sync.resume(self._loop.time())
            self._line.stir()
        return news

    # Writing

    async def send(
        self,
        room: str,
        text: str,
        *,
        re: int | None = None,
        th: int | None = None,
        files: Sequence[str] = (),
        nonce: str | None = None,
    ) -> wire.SendOk:
        """Post a message; return once the server has stored it, however long it can't be reached.

        `files` are the ids of what was uploaded for this room; with them, the text may be empty.

        Cancelling doesn't take it back.  The other writes are so, too.  Who shows it meanwhile knows it again
        by its `nonce`, from `make_nonce`, in the news that has it.

        Raises:
            RequestRefused: if the server won't store it.
            OutboxUnusable: if it can't be kept until it is stored; then it isn't sent.
        """
        return await self._write(
            wire.Send(0, room, nonce or make_nonce(), wire.Draft(text, re, th, list(files)))
        )

    async def upload(
        self, room: str, content: Path | bytes, *, name: str | None = None, alt: str = ""
    ) -> wire.FileInfo:
        """Store a file, by its path or its content, for a message to this room; see `uploads.upload`.

        Raises:
            OSError: if it can't be read, or the server can't be reached or refuses.
        """
        return await upload(self._url, self._token, room, content, name, alt)

    def address_of(self, file: wire.FileInfo) -> str:
        """Return where a file is, for whoever belongs to its room."""
        return file_address(self._url, file)

    @property
    def unsent(self) -> list[wire.Send]:
        """The messages that the server hasn't answered yet, those of earlier runs among them, in order."""
        return [request for request in self._sync.writes if isinstance(request, wire.Send)]

    async def edit(self, room: str, message: int, text: str, *, base: int | None = None) -> wire.SendOk:
        """Give a message another text, if it still has that of the event `base`."""
        return await self._write(wire.Edit(0, room, make_nonce(), message, wire.NewText(text), base))

    async def delete(self, room: str, message: int) -> wire.SendOk:
        """Take a message back."""
        return await self._write(wire.Delete(0, room, make_nonce(), message))

    async def react(self, room: str, message: int, emoji: str, *, on: bool = True) -> wire.SendOk:
        """React to a message by an emoji, or no longer."""
        return await self._write(wire.React(0, room, make_nonce(), message, emoji, on))

    async def pin(self, room: str, message: int, *, on: bool = True) -> wire.SendOk:
        """Pin a message to its room, or take it down."""
        return await self._write(wire.Pin(0, room, make_nonce(), message, on))

    async def call(self, params: wire.Params) -> wire.Result:
        """Call the method that these parameters are for, and return its result."""
        call = wire.make_call(0, params)
        if not wire.METHODS[call.m].writes:
            return cast("wire.Result", await self._ask(call))
        return cast("wire.Result", await self._do(wire.make_call(0, params, make_nonce())))

    async def keep(self, key: str, value: object) -> None:
        """Keep a value by a key of one's own, which all one's sessions see; None forgets what it had.

        It is as JSON is, and `own` has it once the server has told so.
        """
        await self.call(wire.SetOwn(key, value))

    async def talk_to(self, *users: str) -> str:
        """Return the room in which one talks to these people, or, to nobody else, takes notes."""
        opened = cast("wire.RoomResult", await self.call(wire.OpenTalk(list(users))))
        return opened.room.id

    # Asking

    async def history(
        self,
        room: str,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> wire.HistOk:
        """Read a page of a room's messages on a side of one of them; the room's view has them then, too.

        Raises:
            RequestRefused: if the server won't say.
        """
        question = wire.Hist(0, room, before, after, around, limit)
        while (view := self.rooms.get(room)) is not None:
            with view.expect_page() as expected:
                page = cast("wire.HistOk", await self._ask(question))
            if self.rooms.get(room) is not view or expected.void:
                # It may be older than what the room was filled with meanwhile.
                continue
            view.learn(page.users)
            if before is None:
                view.add_page(page.msgs, page.asof, expected.overtaking)
            else:
                view.add_older(page.msgs, page.asof, expected.overtaking, before=before, more=page.more)
            return page
        return cast("wire.HistOk", await self._ask(question))

    # Saying what needs no answer

    def mark_read(self, room: str, q: int) -> None:
        """Say that one has read a room up to a message."""
        self._sync.mark_read(room, q)
        self._line.stir()

    def mark_unread(self, room: str, q: int) -> None:
        """Say that one has read a room only up to a message."""
        self._sync.mark_unread(room, q)
        self._line.stir()

    def type(self, room: str, *, on: bool = True) -> None:
        """Be shown as typing, if there is a connection just now."""
        self._sync.type(room, on=on)
        self._line.stir()

    def show(self, state: wire.Presence, text: str | None = None) -> None:
        """Be shown in this state, and with these words."""
        self._sync.show(state, text)
        self._line.stir()

    def subscribe(self, room: str, level: Level = "full", at: wire.At | None = None) -> None:
        """Follow a room, from a position on where one is known."""
        self._sync.subscribe(room, self._loop.time(), level, at)
        self._line.stir()

    def unsubscribe(self, room: str) -> None:
        """Follow a room no longer."""
        self._sync.unsubscribe(room)
        if (view := self.rooms.get(room)) is not None:
            view.unfollow()
        self._line.stir()

    @property
    def positions(self) -> dict[str, wire.At]:
        """Where the session stands in each stream, to go on from in another run."""
        return self._sync.positions

    # Within

    async def _write(self, request: Request) -> wire.SendOk:
        return cast("wire.SendOk", await self._do(request))

    async def _do(self, request: Request) -> Answer:
        self._check()
        # A task of its own, so that cancelling can't leave it half kept.
        kept = self._loop.create_task(self._keep(request))
        self._keep_track(kept)
        future = await asyncio.shield(kept)
        answer: Answer = await asyncio.shield(future)
        return answer

    async def _keep(self, request: Request) -> asyncio.Future[Answer]:
        async with self._writing:
            if (same := self._answers.find_write(nonce_of(request))) is not None:
                return same
            await self._outbox.put(self.me.id, request)
            self._check()
            future = self._answers.expect_write(nonce_of(request))
            self._sync.write(request, self._loop.time())
        self._line.stir()
        return future

    async def _ask(self, question: Question) -> Answer:
        self._check()
        number = self._sync.ask(question, self._loop.time())
        with self._answers.expect(number) as future:
            self._line.stir()
            return await future

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended
        if self._is_closed:
            raise SessionEnded("resume", None, "The program has closed the session.")

    async def _forget(self, nonce: str) -> None:
        try:
            await self._outbox.remove(self.me.id, nonce)
        except OutboxUnusable as error:
            # It will be sent once more, and found to be stored.
            log.warning("%s", error)

    def _keep_track(self, task: asyncio.Task[Any]) -> None:
        """Let a task end, even if nobody waits for it any more."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(look_at)

    async def _run(self) -> None:
        try:
            await self._line.run()
        except Exception as error:
            log.exception("the client failed")
            self._end(SessionEnded("resume", None, f"The client failed: {error!r}"))

    # News

    def _learn(self) -> None:
        for news in self._sync.take_news():
            self.rooms.learn(news)
            self.own.learn(news)
            self.blocked.learn(news)
            self._settle(news)
            self._show(news)
        if len(self._news) >= self._waiting and not self._is_paused:
            self._is_paused = True
            self._sync.pause()

    def _settle(self, news: News) -> None:
        match news:
            case Opened():
                self.me = news.welcome.me
                self.rooms.me = self.me.id
            case Reset(copy=wire.InboxCopy()) if not self._ready.done():
                self._ready.set_result(None)
            case Stored() | Refused():
                self._keep_track(self._loop.create_task(self._forget(news.nonce)))
            case Ended():
                self._end(SessionEnded(news.retry, news.code, news.why))

    def _show(self, news: News) -> None:
        """Give news to whom they are for: to who waits for them, or to who iterates."""
        if self._answers.give(news) or isinstance(news, Named | Ended):
            return
        if not (isinstance(news, _PASSING) and len(self._news) >= self._waiting):
            self._news.append(news)
            self._arrived.set()

    def _end(self, error: SessionEnded) -> None:
        self._ended = self._ended or error
        self._fail(self._ended)
        self._arrived.set()

    def _fail(self, error: SessionEnded) -> None:
        self._answers.fail(error)
        if not self._ready.done():
            self._ready.set_exception(error)


def make_nonce() -> str:
    """Return what nobody has called a write before."""
    return secrets.token_urlsafe(16)


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str,
    outbox: str | Path | None = None,
    follow: bool = True,
    complete: bool = False,
    at: Mapping[str, wire.At] | None = None,
    waiting: int = WAITING,
    name: str = "hubbub",
) -> AsyncIterator[Client]:
    """Be someone in the chat at `url` as long as the context lasts, over however many connections.

    It begins once the server has let us in, for which it tries until it is cancelled.

    Args:
        url: the chat's address, as browsers have it.
        token: that of the session, as signing in gives it.
        outbox: a file for what isn't stored yet, so that it survives the program; one file a program.
        follow: whether every room that one belongs to is subscribed to.
        complete: whether each event is wanted, of whatever age; otherwise who was away for long is told
            by `Reset` how it is now.
        at: where an earlier run stood in its rooms, as `positions` gave it, to go on from there.
        waiting: how many news may wait for the program before its streams pause.
        name: what the program calls itself.

    Raises:
        SessionEnded: if the server won't have us.
        ValueError: if the address is none of a chat.
    """
    program = wire.Client(name, __version__)
    sync = Sync(program, token, random.random, follow=follow, complete=complete, at=at)
    client = Client(url, token, sync, open_outbox(outbox), waiting)
    try:
        await client.open()
        yield client
    finally:
        await client.close()
