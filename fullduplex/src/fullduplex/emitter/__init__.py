"""The event face: the server and the client that users of Node's ``ws`` know, in its spelling.

Listeners are functions or coroutine functions.  Text arrives as ``str`` and
binary as ``bytes``, each with ``is_binary``.  An exception in a listener is
logged and never ends the connection or the server.
"""

from .client import WebSocket
from .connection import EventConnection, ServerWebSocket
from .listeners import EventEmitter
from .options import ClientInfo
from .server import WebSocketServer

__all__ = [
    "ClientInfo",
    "EventConnection",
    "EventEmitter",
    "ServerWebSocket",
    "WebSocket",
    "WebSocketServer",
]
