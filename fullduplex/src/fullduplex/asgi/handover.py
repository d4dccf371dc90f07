"""HTTP on the WebSocket server's port, answered by an ASGI application.

The HTTP protocol is uvicorn's; this module only gives it connections.  It
doesn't parse HTTP, and uvicorn never listens.

Invariants:

1. The application's lifespan begins before the server listens, and ends after its last request.
2. A connection that asks for a WebSocket in a later request goes back to the server.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import uvicorn

from ..transport.streams import StreamProtocol
from .takeover import Takeover

__all__ = ["Handover", "http"]


class Handover:
    """Answers a server's HTTP requests; ``http`` makes one."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._config = config
        self._server = uvicorn.Server(config)
        self._clock: asyncio.Task[None] | None = None
        self._make: Callable[[], asyncio.Protocol] | None = None

    async def startup(self, create_protocol: Callable[[], StreamProtocol]) -> None:
        """Load the application and begin its lifespan.

        Raises:
            RuntimeError: if the application refuses to start.
        """
        config, server = self._config, self._server
        if not config.loaded:
            config.load()
        # uvicorn calls this when a connection that it already has asks for a WebSocket.
        config.ws_protocol_class = lambda **_: Takeover(create_protocol().connection)  # type: ignore[assignment]
        server.servers = []
        server.lifespan = config.lifespan_class(config)
        await server.lifespan.startup()
        if server.lifespan.should_exit:
            raise RuntimeError("the ASGI application failed to start; its error was logged")
        make: Any = config.http_protocol_class
        self._make = functools.partial(
            make,
            config=config,
            server_state=server.server_state,
            app_state=server.lifespan.state,
        )
        await server.on_tick(0)
        self._clock = asyncio.get_running_loop().create_task(self._keep_date())

    def create_protocol(self) -> asyncio.Protocol:
        """Make uvicorn's protocol for one connection."""
        assert self._make is not None, "startup() comes first"
        return self._make()

    async def shutdown(self) -> None:
        """Let the requests under way finish, end the lifespan; calling it again does nothing."""
        if self._clock is None:
            return
        self._clock.cancel()
        self._clock = None
        await self._server.shutdown()

    async def _keep_date(self) -> None:
        # The Date header is made once a second.
        while True:
            await asyncio.sleep(1)
            await self._server.on_tick(0)


def http(app: Any, **options: Any) -> Handover:
    """Let an ASGI application answer what doesn't ask for a WebSocket.

    Give the result to ``serve(…, http=…)``; it serves one server, once.

    Args:
        app: an ASGI application, or an import string.
        options: those of ``uvicorn.Config``: ``root_path``, ``proxy_headers``,
            ``forwarded_allow_ips``, ``timeout_graceful_shutdown`` (seconds, 5 unless given) …

    Raises:
        TypeError: for options that uvicorn doesn't know.
    """
    options.setdefault("log_config", None)
    options.setdefault("access_log", False)
    options.setdefault("timeout_graceful_shutdown", 5)
    # uvicorn is to load no WebSocket implementation of others.
    options["ws"] = "none"
    return Handover(uvicorn.Config(app, **options))
