"""The bridge to ASGI; it needs uvicorn (``pip install fullduplex[asgi]``).

``http(app)`` lets an ASGI application answer, on a server's own port, the
requests that don't ask for a WebSocket.
"""

from .handover import http

__all__ = ["http"]
