"""The one cookie: the token of a session."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from hubbub.domain.policies import SESSION_LIFETIME

NAME: Final = "hubbub_session"


def read(header: str | None) -> str | None:
    """Return the token in a `Cookie` header, if there is one."""
    for pair in (header or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == NAME and value:
            return value
    return None


def write(response: Response, token: str, *, secure: bool) -> None:
    """Let the browser keep a token, out of reach of scripts and of other sites."""
    response.set_cookie(
        NAME, token, max_age=SESSION_LIFETIME, path="/", secure=secure, httponly=True, samesite="lax"
    )


def clear(response: Response, *, secure: bool) -> None:
    """Let the browser forget its token."""
    response.delete_cookie(NAME, path="/", secure=secure, httponly=True, samesite="lax")
