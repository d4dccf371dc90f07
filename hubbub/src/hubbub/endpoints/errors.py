"""What an error is in HTTP: a status, and JSON that says the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hubbub.domain.errors import ChatError, Code
from hubbub.endpoints.headers import HEADERS
from hubbub.endpoints.traffic import HEADER, request_id
from hubbub.wire import http

STATUS: Final[Mapping[Code, int]] = {
    Code.BAD_FRAME: 400,
    Code.UNKNOWN_OP: 404,
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.NOT_MEMBER: 403,
    Code.BANNED: 403,
    Code.MUTED: 403,
    Code.SLOW_MODE: 429,
    Code.READ_ONLY: 403,
    Code.ARCHIVED: 403,
    Code.INVALID: 422,
    Code.TOO_LONG: 413,
    Code.EDIT_CONFLICT: 409,
    Code.EDIT_EXPIRED: 403,
    Code.NONCE_REUSE: 409,
    Code.TOO_MANY_REQUESTS: 429,
    Code.TOO_MANY_STREAMS: 429,
    Code.UPLOAD_MISSING: 404,
    Code.STORAGE_FULL: 507,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL: 500,
}


def status_of(code: Code) -> int:
    """Return the status that a code comes with."""
    return STATUS[code]


def answer(content: object, status: int = 200) -> Response:
    """Make a response of JSON that nobody keeps a copy of."""
    return Response(
        msgspec.json.encode(content),
        status,
        {"Cache-Control": "no-store"},
        "application/json",
    )


def _refuse(error: ChatError, status: int) -> Response:
    # In milliseconds, as in the frames.
    after = None if error.after is None else math.ceil(error.after * 1000)
    info = http.ErrorInfo(error.code.value, str(error), error.retry, after)
    response = answer(http.ErrorResult(info), status)
    if error.after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.after))
    return response


async def on_chat_error(request: Request, error: Exception) -> Response:
    """Answer with what a request was refused for."""
    code = error.code if isinstance(error, ChatError) else Code.INTERNAL
    # Whoever counts requests learns of it.
    request.scope["refusal"] = code.value
    if not isinstance(error, ChatError):
        response = _refuse(ChatError(Code.INTERNAL), 500)
        # This is answered outside of what adds them otherwise.
        response.headers.update({**HEADERS, HEADER: request_id.get()})
        return response
    return _refuse(error, STATUS[code])


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer with what the router found wrong: no such path, or not this method."""
    assert isinstance(error, HTTPException)
    code = Code.NOT_FOUND if error.status_code == 404 else Code.UNKNOWN_OP
    request.scope["refusal"] = code.value
    response = _refuse(ChatError(code, error.detail), error.status_code)
    response.headers.update(error.headers or {})
    return response
