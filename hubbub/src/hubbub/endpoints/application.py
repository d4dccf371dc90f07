"""Every endpoint together, as one ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from hubbub.domain.errors import ChatError
from hubbub.endpoints.auth import Auth
from hubbub.endpoints.errors import on_chat_error, on_http_error
from hubbub.endpoints.headers import SecurityHeaders
from hubbub.endpoints.health import Health
from hubbub.endpoints.names import NameCheck, Names
from hubbub.endpoints.page import Page
from hubbub.endpoints.sessions import Sessions


def make_application(health: Health, auth: Auth, sessions: Sessions, page: Page, names: Names) -> Starlette:
    """Make the application; the page comes last, since it answers for every name that nobody else has."""
    application = Starlette(
        routes=[*health.routes(), *auth.routes(), *sessions.routes(), *page.routes()],
        middleware=[Middleware(SecurityHeaders), Middleware(NameCheck, names)],
        exception_handlers={
            ChatError: on_chat_error,
            HTTPException: on_http_error,
            Exception: on_chat_error,
        },
    )
    application.router.redirect_slashes = False
    return application
