"""The bridge to ASGI; it needs uvicorn (``pip install fullduplex[asgi]``).

``UvicornProtocol`` is what uvicorn takes as its WebSocket protocol:
``uvicorn app:app --ws fullduplex.asgi:UvicornProtocol``.  ``connection(scope)``
gives an application under it the connection itself, and needs no uvicorn.
``http(app)`` lets an ASGI application answer, on a server's own port, the
requests that don't ask for a WebSocket.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .access import PlainConnection, connection
    from .bridge import UvicornProtocol
    from .handover import http

__all__ = ["PlainConnection", "UvicornProtocol", "connection", "http"]

_HOME_OF = {
    "PlainConnection": "access",
    "UvicornProtocol": "bridge",
    "connection": "access",
    "http": "handover",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
