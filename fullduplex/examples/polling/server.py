"""Tell the same news in four ways on one port, to pages that ask, ask and wait, or listen.

1. pip install 'fullduplex[asgi]' starlette
2. python server.py
3. Open http://localhost:8010/ in a browser; or write here, and press Enter.
"""

import argparse
import asyncio
import json
import random
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from fullduplex import broadcast, serve
from fullduplex.asgi import http

#: Seconds that a request waits for news before it is told that there are none.
LONGEST_WAIT = 25.0
#: News that are kept for those who ask late.
KEPT = 1000


class News:
    """The latest news, numbered from 1, for everybody who waits for more."""

    def __init__(self):
        self.last = 0
        self.listeners = set()
        self._items = []
        self._came = asyncio.Event()

    def tell(self, text):
        """Add a piece of news, and wake whoever waits."""
        self.last += 1
        item = json.dumps({"id": self.last, "text": text, "at": time.time()}, ensure_ascii=False)
        self._items = [*self._items[1 - KEPT :], (self.last, item)]
        self._came.set()
        self._came = asyncio.Event()
        broadcast(self.listeners, item)

    def after(self, last):
        """Return what came after number `last`, as pairs of number and JSON."""
        return [item for item in self._items if item[0] > last]

    async def wait_after(self, last):
        """Return the same as `after`, once there is something."""
        while not (items := self.after(last)):
            await self._came.wait()
        return items


news = News()


def last_of(query):
    """Return the number of the last news that a client has."""
    return int(parse_qs(query).get("after", ["0"])[0])


def answer(items):
    """Answer a request with a list of news."""
    listed = ",".join(item for _, item in items)
    return Response(f"[{listed}]", media_type="application/json", headers={"Cache-Control": "no-store"})


async def poll(request):
    """Short polling: say what there is."""
    return answer(news.after(last_of(request.url.query)))


async def long_poll(request):
    """Long polling: wait until there is something to say."""
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            return answer(await news.wait_after(last_of(request.url.query)))
    except TimeoutError:
        return answer([])


async def events(request):
    """Server-sent events: one answer that never ends; a browser that comes back says where it was."""
    last = int(request.headers.get("Last-Event-ID") or last_of(request.url.query))

    return StreamingResponse(
        stream(last), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def stream(last):
    """Yield events for ever."""
    while True:
        items = await news.wait_after(last)
        last = items[-1][0]
        yield "".join(f"id: {number}\ndata: {item}\n\n" for number, item in items)


async def page(request):
    """Show all four side by side."""
    return FileResponse(Path(__file__).with_name("index.html"))


async def talk(connection):
    """WebSocket: one connection, and each piece of news is one small frame, made once for everybody."""
    last = last_of(urlsplit(connection.request.path).query)
    while items := news.after(last):
        last = items[-1][0]
        for _, item in items:
            await connection.send(item)
    news.listeners.add(connection)
    try:
        await connection.wait_closed()
    finally:
        news.listeners.discard(connection)


app = Starlette(
    routes=[
        Route("/", page),
        Route("/poll", poll),
        Route("/long-poll", long_poll),
        Route("/events", events),
    ]
)


def read_lines(loop):
    """Tell what is typed, or written into a pipe."""
    for line in sys.stdin:
        loop.call_soon_threadsafe(news.tell, line.rstrip("\n"))


async def make_news(seconds):
    """Tell something now and then, every so many seconds on average."""
    while True:
        await asyncio.sleep(random.expovariate(1 / seconds))
        news.tell(f"{random.choice(['Ada', 'Grace', '小明', 'Linus'])} likes this")


async def main():
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument("--every", type=float, default=2, help="seconds between news, on average; 0 for none")
    options = parser.parse_args()
    threading.Thread(target=read_lines, args=[asyncio.get_running_loop()], daemon=True).start()
    # For longer than anybody waits between two questions.
    handover = http(app, timeout_keep_alive=30)
    async with serve(talk, "localhost", options.port, http=handover) as server:
        print(f"Open http://localhost:{options.port}/", flush=True)
        if options.every:
            await make_news(options.every)
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
