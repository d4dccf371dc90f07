"""``fullduplex echo``: a server that sends every message back.

It is an instrument as well: benchmarks, the conformance suite and peers'
tests run against it.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from .complaints import Complaint, reason
from .interrupts import interrupts

__all__ = ["run"]

FANOUT = "/fanout"


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; return the exit status.

    Raises:
        Complaint: if the options don't go together, or there is nothing to listen on.
    """
    if options.stream and options.face == "event":
        raise Complaint("the event face gets messages whole; leave out --stream, or --face event.")
    asyncio.run(_serve(options))
    return 0


async def _serve(options: argparse.Namespace) -> None:
    try:
        async with _server(options) as server:
            port = (server.address() if options.face == "event" else server.sockets[0].getsockname())[1]
            host = f"[{options.host}]" if ":" in options.host else options.host
            interrupted = interrupts()
            print(f"Echoing on ws://{host}:{port}/ — Ctrl-C stops.", flush=True)
            await interrupted.wait()
    except OSError as error:
        raise Complaint(
            f"can't listen on {options.host} port {options.port}: {reason(error)}; "
            "choose another with --port or --host.",
        ) from error


def _server(options: argparse.Namespace) -> Any:
    if options.face == "event":
        return _event_server(options)
    from ..aio.broadcast import broadcast
    from ..aio.connection import ServerConnection
    from ..aio.server import serve

    everyone: set[ServerConnection] = set()

    async def echo(connection: ServerConnection) -> None:
        if connection.request is not None and connection.request.path == FANOUT:
            everyone.add(connection)
            try:
                async for message in connection:
                    broadcast(everyone, message)
            finally:
                everyone.discard(connection)
        elif options.stream:
            while True:
                await connection.send(connection.recv_streaming())
        else:
            async for message in connection:
                await connection.send(message)

    compression = None if options.no_compression else "deflate"
    return serve(echo, options.host, options.port, compression=compression, max_size=options.max_size)


def _event_server(options: argparse.Namespace) -> Any:
    from ..aio.broadcast import broadcast
    from ..emitter import ServerWebSocket, WebSocketServer
    from ..protocol.http11 import Request

    server = WebSocketServer(
        host=options.host,
        port=options.port,
        perMessageDeflate=not options.no_compression,
        maxPayload=options.max_size,
    )
    # Errors of listening are told to whoever waits for it.
    server.on("error", lambda error: None)
    everyone: set[ServerWebSocket] = set()

    @server.on("connection")
    def connected(ws: ServerWebSocket, request: Request) -> None:
        if request.path == FANOUT:
            everyone.add(ws)
            ws.on("close", lambda code, reason: everyone.discard(ws))
            ws.on("message", lambda message, is_binary: broadcast(everyone, message))
        else:
            ws.on("message", lambda message, is_binary: ws.send(message))

    return server
