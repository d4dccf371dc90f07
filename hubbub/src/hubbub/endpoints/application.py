"""Every endpoint together, as one ASGI application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from hubbub.domain.errors import ChatError
from hubbub.endpoints.errors import on_chat_error, on_http_error
from hubbub.endpoints.headers import SecurityHeaders
from hubbub.endpoints.names import NameCheck, Names
from hubbub.endpoints.proxies import NOBODY, BehindProxies, Proxies
from hubbub.endpoints.traffic import Counting, Traffic


class Endpoints(Protocol):
    """Some endpoints that belong together."""

    def routes(self) -> list[Route]:
        """Return where they are."""


def make_application(
    endpoints: Sequence[Endpoints],
    names: Names,
    proxies: Proxies = NOBODY,
    traffic: Traffic | None = None,
) -> Starlette:
    """Make the application; the page comes last, since it answers for every name that nobody else has."""
    application = Starlette(
        routes=[route for each in endpoints for route in each.routes()],
        middleware=[
            Middleware(Counting, traffic or Traffic()),
            Middleware(SecurityHeaders),
            Middleware(NameCheck, names),
            Middleware(BehindProxies, proxies),
        ],
        exception_handlers={
            ChatError: on_chat_error,
            HTTPException: on_http_error,
            Exception: on_chat_error,
        },
    )
    application.router.redirect_slashes = False
    return application
