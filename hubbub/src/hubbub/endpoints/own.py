"""What is one's own: who one is, one's rooms, and how far one has read them."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.actions.mark_read import mark_read
from hubbub.actions.read_heads import read_heads
from hubbub.actions.sync_stream import InboxSnapshot, sync_stream
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.body import read_body
from hubbub.endpoints.errors import answer
from hubbub.endpoints.query import read_stream
from hubbub.realtime import showing
from hubbub.storage.database import Database
from hubbub.wire import http

ME: Final = "/v1/me"
READ: Final = "/v1/s/{s}/read"


class Own:
    """The endpoints for what is one's own."""

    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route(ME, self.show, methods=["GET"]),
            Route(READ, self.read, methods=["PUT"]),
        ]

    async def show(self, request: Request) -> Response:
        """Tell who one is, and which rooms one belongs to."""
        user = await self._admission.reader(request)
        # First: who goes on from a head that is older than the rooms gets some news twice, and misses none.
        heads = await read_heads(self._database, user)
        copy = await sync_stream(self._database, user, user.id, None)
        assert isinstance(copy, InboxSnapshot)
        inbox = showing.inbox(copy.memberships, copy.own, copy.blocked)
        positions = {showing.stream_name(head.stream): (head.epoch, head.q) for head in heads}
        me = showing.me(user)
        return answer(http.MeResult(me, inbox.rooms, inbox.marks, positions, inbox.own, inbox.blocked))

    async def read(self, request: Request) -> Response:
        """Have read a room up to an event; tell what waits there."""
        user = await self._admission.writer(request)
        stream = read_stream(request, user)
        asked = await read_body(request, http.ReadUpTo, "a number to have read up to")
        return answer(showing.marks(await mark_read(self._database, user, stream, asked.q, back=asked.back)))
