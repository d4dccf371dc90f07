"""How one comes in where a name isn't enough: the first administrator, invitations, forgotten passwords."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.actions.known_settings import KnownSettings
from hubbub.actions.passwords import Passwords
from hubbub.actions.register import NewAccount
from hubbub.actions.reset_password import reset_password
from hubbub.actions.set_up import SetUp
from hubbub.actions.use_invite import look_at_invite
from hubbub.bus.base import Bus
from hubbub.endpoints.auth import Doorway, label_of
from hubbub.endpoints.body import read_body
from hubbub.endpoints.callers import Callers
from hubbub.endpoints.errors import answer
from hubbub.endpoints.throttle import Throttle
from hubbub.storage.database import Database
from hubbub.wire import http

ENTRY: Final = "/v1/entry"
SETUP: Final = "/v1/setup"
INVITATION: Final = "/v1/invitation"
RESET: Final = "/v1/reset"


class Entry:
    """The endpoints for who isn't in yet."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        passwords: Passwords,
        settings: KnownSettings,
        set_up: SetUp,
        callers: Callers,
        throttle: Throttle,
        doorway: Doorway,
    ) -> None:
        self._database = database
        self._bus = bus
        self._passwords = passwords
        self._settings = settings
        self._set_up = set_up
        self._callers = callers
        self._throttle = throttle
        self._doorway = doorway

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route(ENTRY, self.show, methods=["GET"]),
            Route(SETUP, self.set_up, methods=["POST"]),
            Route(INVITATION, self.look, methods=["POST"]),
            Route(RESET, self.reset, methods=["POST"]),
        ]

    async def show(self, _request: Request) -> Response:
        """Tell how one comes in."""
        settings = await self._settings.get()
        return answer(
            http.EntryResult(
                settings.sign_up, settings.guests, settings.members_invite, self._set_up.code is None
            )
        )

    async def set_up(self, request: Request) -> Response:
        """Make the first administrator, and let them in."""
        self._callers.check_origin(request)
        given = await read_body(request, http.FirstAccount, "a code, a username and a password")
        self._throttle.count_try(request)
        new = NewAccount(given.username, given.password, given.name)
        made = await self._set_up.make_administrator(self._passwords, given.code, new, label_of(request))
        return await self._doorway.let_in(request, made, 201)

    async def look(self, request: Request) -> Response:
        """Tell what an invitation says; it is asked for in the body, as its token lets people in."""
        self._callers.check_origin(request)
        given = await read_body(request, http.Token, "a token")
        self._throttle.count_try(request)
        shown = await look_at_invite(self._database, given.token)
        return answer(http.InvitationResult(shown.by_name, shown.invite.expires, shown.room_name))

    async def reset(self, request: Request) -> Response:
        """Take another password by a link, which ends all sessions, and let in who it is."""
        self._callers.check_origin(request)
        given = await read_body(request, http.ResetPassword, "a token and a password")
        self._throttle.count_try(request)
        signed_in = await reset_password(
            self._database, self._bus, self._passwords, given.token, given.password, label_of(request)
        )
        return await self._doorway.let_in(request, signed_in, 200)
