"""The methods that frames call by `call`, each at a path of its own."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub import wire
from hubbub.actions.authenticate import digest_token
from hubbub.bus.base import Bus
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.body import read_body
from hubbub.endpoints.callers import find_token
from hubbub.endpoints.errors import answer
from hubbub.endpoints.query import read_nonce
from hubbub.realtime.calls import call, call_write
from hubbub.storage.database import Database

CALL: Final = "/v1/call/"


class Calls:
    """The endpoints for methods."""

    def __init__(self, database: Database, bus: Bus, admission: Admission) -> None:
        self._database = database
        self._bus = bus
        self._admission = admission

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [Route(CALL + name, self.call, methods=["POST"]) for name in wire.METHODS]

    async def call(self, request: Request) -> Response:
        """Do what a method does, and give its result."""
        name = request.url.path.removeprefix(CALL)
        method = wire.METHODS[name]
        user = await self._admission.caller(request, writes=method.writes)
        nonce = read_nonce(request) if method.writes else None
        params = await read_body(request, method.params, f"what {name} takes", wire.FRAME_BYTES)
        if nonce is not None:
            return answer(await call_write(self._database, user, params, nonce))
        login = digest_token(find_token(request) or "")
        return answer(await call(self._database, self._bus, user, login, params))
