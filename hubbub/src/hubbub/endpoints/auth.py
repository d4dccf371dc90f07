"""Signing in as a guest, signing out, and who one is."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.actions.authenticate import authenticate
from hubbub.actions.rename import rename
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.actions.sign_out import sign_out
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.endpoints import cookies
from hubbub.endpoints.errors import answer
from hubbub.endpoints.origin import is_same_origin
from hubbub.endpoints.sender import find_sender
from hubbub.realtime.bucket import Buckets
from hubbub.storage.database import Database

_BODY: Final = 4096
_PATIENCE: Final = 10.0


class NewGuest(msgspec.Struct):
    """What a guest tells about themselves."""

    name: Annotated[str, msgspec.Meta(max_length=256)]


class Auth:
    """The endpoints that know who someone is."""

    def __init__(self, database: Database, bus: Bus, guests: Buckets, public_url: str | None) -> None:
        self._database = database
        self._bus = bus
        self._guests = guests
        self._public_url = public_url
        self._secure = (public_url or "").startswith("https:")

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route("/v1/me", self.show_me, methods=["GET"]),
            Route("/v1/guests", self.sign_in, methods=["POST"]),
            Route("/v1/session", self.sign_out, methods=["DELETE"]),
        ]

    async def show_me(self, request: Request) -> Response:
        """Tell who one is, or that one is nobody."""
        user = await self._find_user(_token(request))
        if user is None:
            raise ChatError(Code.UNAUTHORIZED)
        return _show(user, 200)

    async def sign_in(self, request: Request) -> Response:
        """Let a guest in under a name; someone who is in already takes that name."""
        self._check_origin(request)
        name = (await _read_guest(request)).name
        user = await self._find_user(_token(request))
        if user is not None:
            return _show(await rename(self._database, self._bus, user, name), 200)
        self._count_guest(request)
        user, token = await sign_in_guest(self._database, name)
        response = _show(user, 201)
        cookies.write(response, token, secure=self._secure)
        return response

    async def sign_out(self, request: Request) -> Response:
        """Revoke the session, and let the browser forget it."""
        self._check_origin(request)
        token = _token(request)
        if token is not None:
            await sign_out(self._database, self._bus, token)
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        cookies.clear(response, secure=self._secure)
        return response

    async def _find_user(self, token: str | None) -> User | None:
        return None if token is None else await authenticate(self._database, token)

    def _count_guest(self, request: Request) -> None:
        """Refuse one guest too many; whoever is in already isn't counted."""
        address = "" if request.client is None else request.client.host
        wait = self._guests.take(find_sender(address), asyncio.get_running_loop().time())
        if wait > 0:
            raise ChatError(Code.TOO_MANY_REQUESTS, after=wait)

    def _check_origin(self, request: Request) -> None:
        """Refuse what another page's script may have sent.

        A request without an Origin is not a browser's; with a cookie it is no honest program's either.
        """
        origins = request.headers.getlist("origin")
        host = request.headers.get("host", "")
        if not origins and _token(request) is None:
            return
        if len(origins) != 1 or not is_same_origin(origins[0], host, self._public_url):
            raise ChatError(Code.FORBIDDEN, "The request comes from another page.")


def _show(user: User, status: int) -> Response:
    return answer({"me": {"id": user.id, "name": user.name, "kind": user.kind}}, status)


def _token(request: Request) -> str | None:
    return cookies.read(request.headers.get("cookie"))


async def _read_guest(request: Request) -> NewGuest:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A form can't say this, so another page's form can't get here.
    if content_type != "application/json":
        raise ChatError(Code.FORBIDDEN, "The request is not JSON.")
    try:
        return msgspec.json.decode(await _read_body(request), type=NewGuest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ChatError(Code.INVALID, "The request needs a name.") from error


async def _read_body(request: Request) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _BODY:
                    raise ChatError(Code.TOO_LONG, "The request is too long.")
    except TimeoutError:
        raise ChatError(Code.INVALID, "The request takes too long.") from None
    return body
