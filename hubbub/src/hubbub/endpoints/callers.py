"""Finds out who sends a request, and whether it may come from where it does.

A browser sends our cookie with whatever any page asks of us, so with a cookie the page must be our own.  A
program says its token in `Authorization`, which another page's script can't.
"""

from __future__ import annotations

from starlette.requests import Request

from hubbub.actions.authenticate import authenticate
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.endpoints import cookies
from hubbub.endpoints.origin import is_same_origin
from hubbub.storage.database import Database


def find_token(request: Request) -> str | None:
    """Return the token that a request comes with, if it does."""
    return _find_bearer(request) or cookies.read(request.headers.get("cookie"))


def _find_bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    # Who says no token says nothing: with a cookie as well, that would be one whose page isn't looked at.
    return token.strip() or None if scheme.lower() == "bearer" else None


class Callers:
    """Who may be whoever sends a request; `public_url` is where browsers find the server, if it is set."""

    def __init__(self, database: Database, public_url: str | None) -> None:
        self._database = database
        self._public_url = public_url

    async def find(self, request: Request) -> User | None:
        """Return who sends a request, if that is known."""
        token = find_token(request)
        return None if token is None else await authenticate(self._database, token)

    async def require(self, request: Request) -> tuple[User, str]:
        """Return who sends a request, and by which token they are known.

        Raises:
            ChatError: `unauthorized`.
        """
        token, user = find_token(request), await self.find(request)
        if token is None or user is None:
            raise ChatError(Code.UNAUTHORIZED)
        return user, token

    def check_origin(self, request: Request) -> None:
        """Refuse what another page's script may have sent.

        A request without an Origin is not a browser's; with a cookie it is no honest program's either.

        Raises:
            ChatError: `forbidden`.
        """
        if _find_bearer(request) is not None:
            return
        origins = request.headers.getlist("origin")
        host = request.headers.get("host", "")
        if not origins and find_token(request) is None:
            return
        if len(origins) != 1 or not is_same_origin(origins[0], host, self._public_url, request.url.scheme):
            raise ChatError(Code.FORBIDDEN, "The request comes from another page.")
