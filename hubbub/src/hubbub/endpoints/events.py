"""The events of streams: page by page, waiting for the next, and as they happen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hubbub.actions.authenticate import digest_token
from hubbub.actions.read_log import LogPage, read_log
from hubbub.domain.errors import ChatError
from hubbub.domain.models import Position
from hubbub.domain.policies import LONGEST_WAIT
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.callers import find_token
from hubbub.endpoints.errors import answer
from hubbub.endpoints.query import read_query, read_stream
from hubbub.realtime import showing
from hubbub.realtime.feed import Feed
from hubbub.realtime.feeds import Feeds
from hubbub.storage.database import Database
from hubbub.wire import http

EVENTS: Final = "/v1/s/{s}/events"
STREAM: Final = "/v1/stream"
HEARTBEAT: Final = 20.0
"""How long a stream is silent at most; less than proxies are patient."""
GRACE: Final = 2.0
"""Seconds that a listener has to take what is under way when the feed is over."""
POSITIONS_BYTES: Final = 4096
"""How long the id of an event may be: it comes back in a header, and those have bounds."""


_POSITION: Final = re.compile(r"([\w-]{1,64}):([0-9]{1,16}):([0-9]{1,16})")


class Events:
    """The endpoints for events."""

    def __init__(self, database: Database, admission: Admission, feeds: Feeds) -> None:
        self._database = database
        self._admission = admission
        self._feeds = feeds

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        stream = Route(STREAM, self.stream, methods=["GET"])
        # A HEAD, which Starlette adds, would wait for an end that nobody writes.
        stream.methods = {"GET"}
        return [Route(EVENTS, self.page, methods=["GET"]), stream]

    async def page(self, request: Request) -> Response:
        """Give the events after a number; if there are none, wait for one."""
        user = await self._admission.reader(request)
        asked, stream = read_query(request, http.EventsQuery), read_stream(request, user)
        page = await read_log(self._database, user, stream, asked.after, asked.limit)
        if not asked.wait or page.head.q != asked.after:
            return _show(page)
        with self._feeds.open(user, _login(request)) as feed:
            feed.watch(stream)
            # What happened before that isn't missed, be it that they signed out.
            await self._admission.again(request)
            page = await read_log(self._database, user, stream, asked.after, asked.limit)
            if page.head.q != asked.after:
                return _show(page)
            await feed.wait(min(asked.wait, LONGEST_WAIT))
        # Who was signed out meanwhile, or put out of the room, is told so.
        user = await self._admission.again(request)
        return _show(await read_log(self._database, user, stream, asked.after, asked.limit))

    async def stream(self, request: Request) -> Response:
        """Give the events of all streams as they happen."""
        user = await self._admission.reader(request)
        positions = read_positions(request.headers.get("last-event-id", ""))

        async def check() -> None:
            await self._admission.again(request)

        return EventStream(self._feeds.open(user, _login(request)), check, positions)


class EventStream(Response):
    """Answers with server-sent events, as long as the feed and the listener last.

    `check` refuses who was signed out before the feed could hear of it.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        opening: AbstractContextManager[Feed],
        check: Callable[[], Awaitable[None]],
        at: Mapping[str, Position],
    ) -> None:
        # Nothing in between is to keep a copy, nor to gather events before it passes them on.
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._opening = opening
        self._check = check
        self._at = at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write events until somebody has enough."""
        with self._opening as feed:
            await self._check()
            ends = [
                asyncio.create_task(each)
                for each in (self._write(feed, send), _wait_until_gone(receive), _wait_until_over(feed))
            ]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
                await asyncio.gather(*ends, return_exceptions=True)

    async def _write(self, feed: Feed, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(_lines(feed, self._at)) as lines:
            async for text in lines:
                await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _lines(feed: Feed, at: Mapping[str, Position]) -> AsyncGenerator[str, None]:
    # A first line at once shows that the door is open.
    yield ":\n\n"
    async with aclosing(feed.listen(at, HEARTBEAT)) as heard:
        try:
            async for frames in heard:
                yield show_frames(frames, feed.positions)
        except ChatError:
            # The listener comes back, and goes on from where they are.
            return


def show_frames(frames: Sequence[str], positions: dict[str, Position]) -> str:
    """Write frames as events, the last with the positions for its id; without any, a comment."""
    if not frames:
        return ":\n\n"
    *others, last = frames
    text = "".join(f"data: {frame}\n\n" for frame in others)
    return f"{text}id: {show_positions(positions)}\ndata: {last}\n\n"


def show_positions(positions: dict[str, Position]) -> str:
    """Write positions, of those that moved last as many as have room."""
    shown: list[str] = []
    size = 0
    for name, position in reversed(positions.items()):
        shown.append(f"{name}:{position.epoch}:{position.q}")
        size += len(shown[-1]) + 1
        if size > POSITIONS_BYTES:
            del shown[-1]
            break
    return ",".join(shown)


def read_positions(text: str) -> dict[str, Position]:
    """Read positions; what is none is left out."""
    found = map(_POSITION.fullmatch, text.split(","))
    return {each[1]: Position(int(each[2]), int(each[3])) for each in found if each}


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _wait_until_over(feed: Feed) -> None:
    await feed.has_ended.wait()
    await asyncio.sleep(GRACE)


def _login(request: Request) -> str:
    return digest_token(find_token(request) or "").hex()


def _show(page: LogPage) -> Response:
    return answer(
        http.EventsResult(
            page.head.epoch,
            page.head.q,
            showing.events(page.events),
            page.more,
            showing.names(page.names),
            page.gone,
        )
    )
