"""Where one is signed in, and by what password."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub import wire
from hubbub.actions.authenticate import digest_token
from hubbub.actions.change_password import change_password
from hubbub.actions.disable_user import disable_self
from hubbub.actions.list_sessions import list_sessions
from hubbub.actions.passwords import Passwords
from hubbub.actions.revoke_session import revoke_session
from hubbub.bus.base import Bus
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.body import read_body
from hubbub.endpoints.callers import Callers, find_token
from hubbub.endpoints.errors import answer
from hubbub.endpoints.query import read_id
from hubbub.endpoints.throttle import Throttle
from hubbub.realtime import showing
from hubbub.storage.database import Database
from hubbub.wire import http

SESSIONS: Final = "/v1/sessions"
ONE: Final = f"{SESSIONS}/{{id}}"
PASSWORD: Final = "/v1/password"
DEACTIVATION: Final = "/v1/deactivation"


class Sessions:
    """The endpoints for who is signed in."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        passwords: Passwords,
        callers: Callers,
        throttle: Throttle,
        admission: Admission,
    ) -> None:
        self._database = database
        self._bus = bus
        self._passwords = passwords
        self._callers = callers
        self._throttle = throttle
        self._admission = admission

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route(SESSIONS, self.list, methods=["GET"]),
            Route(ONE, self.revoke, methods=["DELETE"]),
            Route(PASSWORD, self.change_password, methods=["PUT"]),
            Route(DEACTIVATION, self.deactivate, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """Tell where one is signed in."""
        user = await self._admission.reader(request)
        own = digest_token(find_token(request) or "")
        listed = await list_sessions(self._database, user, own)
        return answer(wire.SessionsResult([showing.login(each.login, own=each.is_own) for each in listed]))

    async def revoke(self, request: Request) -> Response:
        """End one of one's sessions, perhaps this one."""
        user = await self._admission.writer(request)
        await revoke_session(self._database, self._bus, user, read_id(request, "id"))
        return _done()

    async def change_password(self, request: Request) -> Response:
        """Take another password, which ends all other sessions."""
        self._callers.check_origin(request)
        given = await read_body(request, http.NewPassword, "the old password and the new one")
        user, token = await self._callers.require(request)
        self._throttle.count_guess(request, user.id)
        await change_password(self._database, self._bus, self._passwords, user, token, given.old, given.new)
        return _done()

    async def deactivate(self, request: Request) -> Response:
        """Give up one's own account, which ends all sessions."""
        self._callers.check_origin(request)
        given = await read_body(request, http.OwnPassword, "the password")
        user, _ = await self._callers.require(request)
        self._throttle.count_guess(request, user.id)
        await disable_self(self._database, self._bus, self._passwords, user, given.password)
        return _done()


def _done() -> Response:
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
