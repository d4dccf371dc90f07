"""``connect``: a WebSocket client that blocks, for scripts and threads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..aio import client as aio
from .background import background
from .connection import ClientConnection, MessageStream, PendingPong

__all__ = ["ClientConnection", "MessageStream", "PendingPong", "connect", "unix_connect"]


def connect(uri: str, **options: Any) -> ClientConnection:
    """Connect to a WebSocket server.

    ``with connect(uri) as connection`` closes the connection at the end of the
    block; ``connection = connect(uri)`` leaves that to you.

    ``options`` are those of ``fullduplex.connect``, with its defaults, except those
    for connecting again; what they call is called on the thread of the event
    loop, and must not wait.

    Raises:
        InvalidURI: if ``uri`` isn't one, or a redirect doesn't lead to one.
        InvalidProxy: if ``proxy`` isn't the address of one.
        OSError: if the transport can't be opened.
        InvalidHandshake: if the opening handshake fails.
        TimeoutError: if the connection isn't open in time.
        TypeError: for ``reconnect``.
    """
    _check_is_one(options)
    return _opened(aio.connect(uri, **options))


def unix_connect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **options: Any
) -> ClientConnection:
    """Connect to a server on a Unix socket, as ``fullduplex.aio.client.unix_connect`` does."""
    _check_is_one(options)
    return _opened(aio.unix_connect(path, uri, **options))


def _check_is_one(options: Mapping[str, Any]) -> None:
    """See that one connection is asked for.

    Raises:
        TypeError: if it is to come back.
    """
    if options.get("reconnect"):
        raise TypeError("reconnect is for asyncio and the browser's face: connect again in a loop")


def _opened(connecting: aio.connect[aio.ClientConnection]) -> ClientConnection:
    thread = background()

    async def open_connection() -> aio.ClientConnection:
        connection = await connecting
        thread.watch(connection)
        return connection

    return ClientConnection(thread.call(open_connection, aio.ClientConnection.abort), thread)
