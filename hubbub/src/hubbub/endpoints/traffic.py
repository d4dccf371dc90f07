"""Counts what is asked for by HTTP, and gives each request a name that the log has as well.

A request is counted by the pattern of its route and not by its path: of patterns there are few, and what
somebody made up, or keeps secret, is in none.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from contextvars import ContextVar
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.domain.spread import Spread

log = logging.getLogger(__name__)

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOWHERE: Final = "none"
"""The pattern of a request that no route is for."""
HEADER: Final = "X-Request-Id"

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The name of the request that is being answered, if one is."""


class Traffic:
    """What was asked for so far."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        """How many, by method, pattern and status."""
        self.seconds: dict[str, Spread] = {}
        """How long they took, by pattern."""
        self.refusals: Counter[str] = Counter()
        """How many were refused, by the code."""

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        pattern = getattr(scope.get("route"), "path", NOWHERE)
        self.requests[method, pattern, status] += 1
        self.seconds.setdefault(pattern, Spread(SECONDS)).add(seconds)
        if (code := scope.get("refusal")) is not None:
            self.refusals[code] += 1
        if log.isEnabledFor(logging.INFO):
            told = {"method": method, "route": pattern, "status": status, "seconds": round(seconds, 6)}
            log.info("%s %s %d", method, pattern, status, extra={"fields": told})


class Counting:
    """Counts every request and its answer, and says in the answer by what name the log knows it."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, status, begun = secrets.token_hex(8), 500, time.perf_counter()
        request_id.set(name)

        async def send_with_name(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        try:
            await self._app(scope, receive, send_with_name)
        finally:
            self._traffic.count(scope, status, time.perf_counter() - begun)
