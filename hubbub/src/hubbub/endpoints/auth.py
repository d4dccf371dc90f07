"""Coming in as a guest or by an account, and going."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.actions.begin_session import SignedIn
from hubbub.actions.log_in import log_in
from hubbub.actions.passwords import Passwords
from hubbub.actions.register import register
from hubbub.actions.rename import rename
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.actions.sign_out import sign_out
from hubbub.bus.base import Bus
from hubbub.endpoints import cookies
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.body import read_body
from hubbub.endpoints.callers import Callers, find_token
from hubbub.endpoints.errors import answer
from hubbub.endpoints.throttle import Throttle
from hubbub.realtime import showing
from hubbub.storage.database import Database
from hubbub.wire import http

GUESTS: Final = "/v1/guests"
ACCOUNTS: Final = "/v1/accounts"
SESSION: Final = "/v1/session"


class Doorway:
    """Where everybody comes in and goes; `secure` says that browsers always find it by HTTPS."""

    def __init__(self, database: Database, bus: Bus, *, secure: bool) -> None:
        self._database = database
        self._bus = bus
        self._secure = secure

    async def let_in(self, request: Request, signed_in: SignedIn, status: int) -> Response:
        """Answer with who one is now; a program, which has no Origin, is told its token as well."""
        old = find_token(request)
        if old is not None:
            # Who could know the old token mustn't be in by it any longer.
            await sign_out(self._database, self._bus, old)
        token = None if "origin" in request.headers else signed_in.token
        response = answer(http.SignedInResult(showing.me(signed_in.user), token), status)
        cookies.write(response, signed_in.token, secure=self._is_secure(request))
        return response

    def let_out(self, request: Request) -> Response:
        """Answer that one is nobody now, and let the browser forget who it was."""
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        cookies.clear(response, secure=self._is_secure(request))
        return response

    def _is_secure(self, request: Request) -> bool:
        return self._secure or request.url.scheme == "https"


class Auth:
    """The endpoints that let people in and out."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        passwords: Passwords,
        callers: Callers,
        throttle: Throttle,
        admission: Admission,
        doorway: Doorway,
    ) -> None:
        self._database = database
        self._bus = bus
        self._passwords = passwords
        self._callers = callers
        self._throttle = throttle
        self._admission = admission
        self._doorway = doorway

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route(GUESTS, self.sign_in_guest, methods=["POST"]),
            Route(ACCOUNTS, self.register, methods=["POST"]),
            Route(SESSION, self.log_in, methods=["POST"]),
            Route(SESSION, self.sign_out, methods=["DELETE"]),
        ]

    async def sign_in_guest(self, request: Request) -> Response:
        """Let a guest in under a name; someone who is in already takes that name."""
        self._callers.check_origin(request)
        name = (await read_body(request, http.NewGuest, "a name")).name
        user = await self._callers.find(request)
        if user is not None:
            # Each of their rooms is told.
            self._admission.count_write(request, user)
            return answer(
                http.SignedInResult(showing.me(await rename(self._database, self._bus, user, name)))
            )
        self._throttle.count_newcomer(request)
        signed_in = await sign_in_guest(self._database, name, label_of(request))
        return await self._doorway.let_in(request, signed_in, 201)

    async def register(self, request: Request) -> Response:
        """Make an account, and let its user in."""
        self._callers.check_origin(request)
        new = await read_body(request, http.NewAccount, "a username and a password")
        self._throttle.count_newcomer(request)
        signed_in = await register(
            self._database,
            self._passwords,
            new.username,
            new.password,
            new.name,
            label_of(request),
            new.invite,
        )
        return await self._doorway.let_in(request, signed_in, 201)

    async def log_in(self, request: Request) -> Response:
        """Let in who has an account."""
        self._callers.check_origin(request)
        given = await read_body(request, http.Credentials, "a username and a password")
        self._throttle.count_login(request, given.username)
        signed_in = await log_in(
            self._database, self._bus, self._passwords, given.username, given.password, label_of(request)
        )
        return await self._doorway.let_in(request, signed_in, 200)

    async def sign_out(self, request: Request) -> Response:
        """Revoke the session, and let the browser forget it."""
        self._callers.check_origin(request)
        token = find_token(request)
        if token is not None:
            await sign_out(self._database, self._bus, token)
        return self._doorway.let_out(request)


def label_of(request: Request) -> str:
    """Return what a program says of itself."""
    return request.headers.get("user-agent", "")
