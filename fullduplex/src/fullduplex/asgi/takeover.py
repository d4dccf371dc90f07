"""Connections that uvicorn's HTTP protocols give away when a WebSocket is asked for.

They replay the request and forget what came right behind it; and the one with
httptools gives away connections on which earlier requests wait for their
answers still.  This module knows uvicorn's protocols, in the version that the
extra ``asgi`` wants; what is early is lost with ``zttp``, which doesn't tell of it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import httptools

from ..transport.streams import StreamProtocol

__all__ = ["Takeover"]


class Takeover(StreamProtocol):
    """Takes a connection over, with all that its client has said.

    If earlier requests haven't got their answers, they get them, and then the
    connection ends: a client asks again then (RFC 9112 9.3.2).
    """

    __slots__ = ("_early", "is_refused")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, unless earlier requests are being answered on it."""
        http = transport.get_protocol()
        self.is_refused = _is_answering(http)
        if not self.is_refused:
            self._early = _early_data(http)
            super().connection_made(transport)
            return
        # It won't open, and nobody is to wait for that.
        self.connection.connection_lost(None)
        moving = cast(asyncio.Transport, transport)
        # Until uvicorn has put us in its place, and we another in ours.
        moving.pause_reading()
        self.connection.loop.call_soon(_say_farewell, http, moving)

    def data_received(self, data: bytes) -> None:
        """Pass on the request, and what came behind it."""
        if self.is_refused:
            return
        super().data_received(data)
        early, self._early = self._early, b""
        if early:
            super().data_received(early)


class Farewell(asyncio.Protocol):
    """Lets an HTTP protocol finish its answers, and hears nothing more of the client."""

    def __init__(self, http: Any) -> None:
        self._http = http
        # What it does when the server ends: its last answer is the last.
        http.shutdown()

    def pause_writing(self) -> None:
        """Pass on that the write buffer is above its high-water mark."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the write buffer is below its low-water mark."""
        self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the transport is gone."""
        self._http.connection_lost(exc)


def _say_farewell(http: Any, transport: asyncio.Transport) -> None:
    transport.set_protocol(Farewell(http))
    # Otherwise nobody would notice that the client leaves.
    transport.resume_reading()


def _is_answering(http: Any) -> bool:
    """Tell whether a request before this one waits for its answer."""
    return http.cycle is not None and not http.cycle.response_complete


def _early_data(http: Any) -> bytes:
    """Return what came in one read with the request, after it."""
    error = sys.exc_info()[1]
    if not isinstance(error, httptools.HttpParserUpgrade):
        data: bytes = getattr(http.conn, "trailing_data", (b"",))[0]
        return data
    # It says at which byte the request ended, and only the function that caught it has the bytes.
    assert error.__traceback__ is not None
    read: bytes = error.__traceback__.tb_frame.f_locals["data"]
    return read[error.args[0] :]
