"""Messages of a room: posting and changing them, each once for its nonce, and reading them."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub import wire
from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.pin_message import pin_message
from hubbub.actions.post_message import post_message
from hubbub.actions.react import react
from hubbub.actions.read_history import HistoryPage, Side, read_history
from hubbub.actions.read_thread import read_thread
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Posted
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.body import read_body
from hubbub.endpoints.errors import answer
from hubbub.endpoints.query import read_nonce, read_number, read_query, read_stream
from hubbub.realtime import showing
from hubbub.storage.database import Database
from hubbub.wire import http

MESSAGES: Final = "/v1/s/{s}/messages"
MESSAGE: Final = f"{MESSAGES}/{{q}}"
THREAD: Final = f"{MESSAGE}/thread"
REACTION: Final = f"{MESSAGE}/reactions/{{e}}"
PIN: Final = f"{MESSAGE}/pin"

# Above any number that an event will have.
_END: Final = 2**53 - 1


class Messages:
    """The endpoints for messages."""

    def __init__(self, database: Database, admission: Admission) -> None:
        self._database = database
        self._admission = admission

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route(MESSAGES, self.list, methods=["GET"]),
            Route(MESSAGES, self.post, methods=["POST"]),
            Route(MESSAGE, self.edit, methods=["PATCH"]),
            Route(MESSAGE, self.delete, methods=["DELETE"]),
            Route(THREAD, self.list_thread, methods=["GET"]),
            Route(REACTION, self.react, methods=["PUT", "DELETE"]),
            Route(PIN, self.pin, methods=["PUT", "DELETE"]),
        ]

    # Reading

    async def list(self, request: Request) -> Response:
        """Give the last messages of a room, or those before, after or around one."""
        user = await self._admission.reader(request)
        asked = read_query(request, http.MessagesQuery)
        side, q = _find_side(asked)
        stream = read_stream(request, user)
        return _show(await read_history(self._database, user, stream, side, q, asked.limit))

    async def list_thread(self, request: Request) -> Response:
        """Give the last messages of a thread, or the last before one."""
        user = await self._admission.reader(request)
        asked, root = read_query(request, http.ThreadQuery), read_number(request)
        stream = read_stream(request, user)
        return _show(await read_thread(self._database, user, stream, root, asked.before, asked.limit))

    # Writing

    async def post(self, request: Request) -> Response:
        """Store a message."""
        user = await self._admission.writer(request)
        nonce, stream = read_nonce(request), read_stream(request, user)
        draft = await read_body(request, wire.Draft, "a text", wire.FRAME_BYTES)
        posted = await post_message(
            self._database, user, stream, nonce, draft.text, draft.re, draft.th, draft.files
        )
        return show_posted(posted, 201)

    async def edit(self, request: Request) -> Response:
        """Give a message another text."""
        user = await self._admission.writer(request)
        nonce, stream, q = read_nonce(request), read_stream(request, user), read_number(request)
        new = await read_body(request, http.Revision, "a text", wire.FRAME_BYTES)
        return show_posted(await edit_message(self._database, user, stream, nonce, q, new.text, new.base))

    async def delete(self, request: Request) -> Response:
        """Take a message back."""
        user = await self._admission.writer(request)
        nonce, stream, q = read_nonce(request), read_stream(request, user), read_number(request)
        return show_posted(await delete_message(self._database, user, stream, nonce, q))

    async def react(self, request: Request) -> Response:
        """React to a message (PUT), or no longer."""
        user = await self._admission.writer(request)
        nonce, stream, q = read_nonce(request), read_stream(request, user), read_number(request)
        emoji, on = request.path_params["e"], request.method == "PUT"
        return show_posted(await react(self._database, user, stream, nonce, q, emoji, on=on))

    async def pin(self, request: Request) -> Response:
        """Pin a message (PUT), or no longer."""
        user = await self._admission.writer(request)
        nonce, stream, q = read_nonce(request), read_stream(request, user), read_number(request)
        on = request.method == "PUT"
        return show_posted(await pin_message(self._database, user, stream, nonce, q, on=on))


def show_posted(posted: Posted, new: int = 200) -> Response:
    """Say where a write is stored, with this status unless it was stored before."""
    return answer(wire.WriteResult(posted.q, posted.ts, posted.dup), 200 if posted.dup else new)


def _show(page: HistoryPage) -> Response:
    return answer(
        wire.MessagesResult(showing.messages(page.messages), page.asof, page.more, showing.names(page.names))
    )


def _find_side(asked: http.MessagesQuery) -> tuple[Side, int]:
    sides = ((Side.BEFORE, asked.before), (Side.AFTER, asked.after), (Side.AROUND, asked.around))
    given = [(side, q) for side, q in sides if q is not None]
    if len(given) > 1:
        raise ChatError(Code.INVALID, "Ask for one of before, after and around.")
    return given[0] if given else (Side.BEFORE, _END)
