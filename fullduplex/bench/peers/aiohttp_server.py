"""aiohttp: its web server, without an access log."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import common
from aiohttp import WSMsgType, web

responses: set[web.WebSocketResponse] = set()


def handler(task: common.Task) -> Any:
    """Return what answers a request."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(
            compress=task.deflate, max_msg_size=common.LARGEST, decode_text=False
        )
        await response.prepare(request)
        if task.does == "echo":
            await echo(response)
        else:
            responses.add(response)
            await tell_all(response)
        return response

    return handle


async def echo(response: web.WebSocketResponse) -> None:
    """Send back what comes."""
    async for message in response:
        if message.type is WSMsgType.BINARY:
            await response.send_bytes(message.data)
        else:
            await response.send_frame(message.data, WSMsgType.TEXT)
        # Nothing of it is kept while the next one is waited for.
        del message


async def tell_all(response: web.WebSocketResponse) -> None:
    """Send what comes to everyone."""
    async for message in response:
        await asyncio.gather(*(each.send_frame(message.data, WSMsgType.TEXT) for each in responses))


async def start(task: common.Task, sock: socket.socket) -> Any:
    """Start the server."""
    app = web.Application()
    app.router.add_get("/", handler(task))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, sock, ssl_context=common.context(task), backlog=common.BACKLOG).start()
    return runner


common.run(start)
