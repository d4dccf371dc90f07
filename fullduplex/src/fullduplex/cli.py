"""The ``fullduplex`` command: an echo server, and a client to talk with.

Both are instruments as well: benchmarks, the conformance suite and peers'
tests run against ``fullduplex echo``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import math
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
import unicodedata
from collections.abc import Sequence
from typing import Any

from .version import __version__

__all__ = ["main"]

FANOUT = "/fanout"
#: Seconds without an arrival after which piped input has been answered.
QUIET = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = asyncio.run(options.run(options))
        return status
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fullduplex", description="WebSocket client and server.")
    parser.add_argument("--version", action="version", version=f"fullduplex {__version__} (pure Python)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    echo = commands.add_parser("echo", help="serve: send every message back")
    echo.description = (
        "Send every message back, on any path; a message to /fanout goes to every connection on /fanout."
    )
    echo.add_argument("--host", default="localhost", help="address to listen on (default: %(default)s)")
    echo.add_argument("--port", type=_port, default=9998, help="0 takes a free one (default: %(default)s)")
    echo.add_argument(
        "--face", choices=("asyncio", "event"), default="asyncio", help="(default: %(default)s)"
    )
    echo.add_argument(
        "--transport",
        choices=("auto", "native", "asyncio"),
        default="auto",
        help="what moves the bytes (default: %(default)s)",
    )
    echo.add_argument(
        "--stream",
        action="store_true",
        help="send each message back while it arrives, in constant memory, in fragments; asyncio face only",
    )
    echo.add_argument("--no-compression", action="store_true", help="decline permessage-deflate")
    echo.add_argument(
        "--max-size",
        type=_size,
        default=2**20,
        metavar="BYTES",
        help="largest message, or none for no limit (default: %(default)s)",
    )
    echo.set_defaults(run=_echo)

    connect = commands.add_parser("connect", help="talk with a server: type to send")
    connect.description = "Connect, send each line that is typed, and show what arrives. Ctrl-D closes."
    connect.add_argument("url", metavar="URL", help="ws://… or wss://…")
    connect.set_defaults(run=_connect)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} isn't a port; use a number from 0 to 65535")
    return int(text)


def _size(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} isn't a size; use a number of bytes, or none")
    return int(text)


def _complain(sentence: str) -> int:
    print(f"fullduplex: {sentence}", file=sys.stderr)
    return 1


def _reason(error: Exception) -> str:
    """Say in words of this system's, if it has any, what went wrong."""
    if isinstance(error, socket.gaierror):
        return str(error.strerror).lower()
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or error}"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)


# echo


async def _echo(options: argparse.Namespace) -> int:
    if options.transport == "native":
        return _complain("this build has no native transport; use --transport auto or asyncio.")
    if options.stream and options.face == "event":
        return _complain("the event face gets messages whole; leave out --stream, or --face event.")
    try:
        async with _echo_server(options) as server:
            port = (server.address() if options.face == "event" else server.sockets[0].getsockname())[1]
            host = f"[{options.host}]" if ":" in options.host else options.host
            print(f"Echoing on ws://{host}:{port}/ — Ctrl-C stops.", flush=True)
            await _interrupted()
    except OSError as error:
        return _complain(
            f"can't listen on {options.host} port {options.port}: {_reason(error)}; "
            "choose another with --port or --host.",
        )
    return 0


def _echo_server(options: argparse.Namespace) -> Any:
    if options.face == "event":
        return _event_echo(options)
    from .aio.broadcast import broadcast
    from .aio.connection import ServerConnection
    from .aio.server import serve

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


def _event_echo(options: argparse.Namespace) -> Any:
    from .aio.broadcast import broadcast
    from .emitter import ServerWebSocket, WebSocketServer
    from .protocol.http11 import Request

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


async def _interrupted() -> None:
    """Wait for Ctrl-C or a request to terminate."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not on Windows, where asyncio.run() turns Ctrl-C into a cancellation.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, interrupted.set)
    await interrupted.wait()


# connect


class _Screen:
    """Shows what arrives above the line that is being typed."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self._count = 0

    def show(self, mark: str, text: str) -> None:
        self._count += 1
        line = f"{mark} {text}"
        if not self._is_terminal:
            print(line, flush=True)
            return
        lines = [
            part for whole in line.splitlines() for part in _wrap(whole, shutil.get_terminal_size().columns)
        ]
        count = len(lines)
        # Make room by scrolling, insert lines above the typed one, and go back into it.
        room = "\x1bD" * count + f"\x1b[{count}A"
        sys.stdout.write(f"{room}\x1b7\r\x1b[{count}L" + "\r\n".join(lines) + f"\x1b8\x1b[{count}B")
        sys.stdout.flush()

    def prompt(self) -> None:
        if self._is_terminal:
            sys.stdout.write("> ")
            sys.stdout.flush()

    def leave(self) -> None:
        """Take the prompt away."""
        if self._is_terminal:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()

    async def wait_quiet(self) -> None:
        """Wait until nothing more arrives: at the end of a pipe nobody sees when to close."""
        seen = -1
        while not self._is_terminal and seen != self._count:
            seen = self._count
            await asyncio.sleep(QUIET)


def _wrap(line: str, columns: int) -> list[str]:
    """Cut a line to the width of the terminal; Chinese takes two columns, controls are made visible."""
    parts = [""]
    used = 0
    for character in line:
        shown = character if character.isprintable() else f"\\x{ord(character):02x}"
        width = 2 if unicodedata.east_asian_width(character) in "WF" else len(shown)
        if used + width > columns:
            parts.append("")
            used = 0
        parts[-1] += shown
        used += width
    return parts


async def _connect(options: argparse.Namespace) -> int:
    from .aio.client import connect
    from .aio.connection import ClientConnection
    from .exceptions import InvalidHandshake, InvalidProxy, InvalidURI

    screen = _Screen()

    class Shown(ClientConnection):
        """A connection whose pings and pongs are shown too."""

        def ping_received(self, data: bytes) -> None:
            screen.show("·", f"ping {_describe(data)}")

        def pong_received(self, data: bytes) -> None:
            super().pong_received(data)
            screen.show("·", f"pong after {math.ceil(self.latency * 1000)} ms")

    try:
        connection = await connect(options.url, create_connection=Shown)
    except InvalidURI as error:
        return _complain(f"{error}; write it like ws://localhost:9998/echo.")
    except (InvalidHandshake, InvalidProxy, OSError, TimeoutError) as error:
        return _complain(f"can't connect to {options.url}: {_reason(error)}.")
    async with connection:
        screen.show("·", f"connected to {options.url}; type to send, Ctrl-D closes")
        typing = asyncio.create_task(_send_lines(connection, screen))
        try:
            await _show_messages(connection, screen)
        finally:
            typing.cancel()
    how = connection.codec.close_exception
    screen.show("·", f"closed: {how}")
    screen.leave()
    return 0 if connection.close_code in (1000, 1001, 1005) else 1


async def _show_messages(connection: Any, screen: _Screen) -> None:
    from .exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            screen.show("<", message if isinstance(message, str) else f"binary, {_describe(message)}")


async def _send_lines(connection: Any, screen: _Screen) -> None:
    """Send what is typed, line by line; at its end, close."""
    from .exceptions import ConnectionClosed

    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        # A thread of its own: it waits for the keyboard while the loop goes on, and doesn't hold up the end.
        for line in itertools.chain(iter(sys.stdin.readline, ""), [""]):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(lines.put_nowait, line)

    if isinstance(sys.stdin, io.TextIOWrapper):
        # What isn't text shows as such, and ends nothing.
        sys.stdin.reconfigure(errors="replace")
    threading.Thread(target=read, daemon=True).start()
    screen.prompt()
    with contextlib.suppress(ConnectionClosed):
        while line := await lines.get():
            await connection.send(line.rstrip("\n"))
            screen.prompt()
        await screen.wait_quiet()
        await connection.close()


def _describe(data: bytes) -> str:
    size = "1 byte" if len(data) == 1 else f"{len(data)} bytes"
    shown = data[:32].hex(" ")
    return f"{size}: {shown}{' …' if len(data) > 32 else ''}" if data else "empty"
