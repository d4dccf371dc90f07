"""fullduplex: WebSocket client and server, with the faces people know.

Importing this package imports nothing else; each name is loaded when it is
first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .aio.broadcast import broadcast
    from .aio.client import connect
    from .aio.connection import ClientConnection, Connection, ServerConnection
    from .aio.server import Server, serve
    from .browser import WebSocket
    from .close import Close, CloseCode
    from .emitter import WebSocketServer
    from .exceptions import (
        ConcurrencyError,
        ConnectionClosed,
        ConnectionClosedError,
        ConnectionClosedOK,
        InvalidHandshake,
        InvalidHeader,
        InvalidMessage,
        InvalidOrigin,
        InvalidStatus,
        InvalidUpgrade,
        InvalidURI,
        LocalProtocolError,
        NegotiationError,
        PayloadTooBig,
        ProtocolError,
        RemoteProtocolError,
        WebSocketException,
    )
    from .protocol.extensions.permessage_deflate import PerMessageDeflateFactory
    from .protocol.headers import Headers
    from .protocol.http11 import Request, Response
    from .protocol.limits import Limits
    from .protocol.states import State

__all__ = [
    "ClientConnection",
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "Connection",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Headers",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidMessage",
    "InvalidOrigin",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "Limits",
    "LocalProtocolError",
    "NegotiationError",
    "PayloadTooBig",
    "PerMessageDeflateFactory",
    "ProtocolError",
    "RemoteProtocolError",
    "Request",
    "Response",
    "Server",
    "ServerConnection",
    "State",
    "WebSocket",
    "WebSocketException",
    "WebSocketServer",
    "__version__",
    "broadcast",
    "connect",
    "serve",
]

_HOMES = {
    "aio.broadcast": ("broadcast",),
    "aio.client": ("connect",),
    "aio.connection": ("ClientConnection", "Connection", "ServerConnection"),
    "aio.server": ("Server", "serve"),
    "browser": ("WebSocket",),
    "close": ("Close", "CloseCode"),
    "emitter": ("WebSocketServer",),
    "protocol.extensions.permessage_deflate": ("PerMessageDeflateFactory",),
    "protocol.headers": ("Headers",),
    "protocol.http11": ("Request", "Response"),
    "protocol.limits": ("Limits",),
    "protocol.states": ("State",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF.get(name, 'exceptions')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
