"""Reads what a request says, in JSON, with bounds on how much and how long."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request

from hubbub.domain.errors import ChatError, Code

T = TypeVar("T")

BODY: Final = 4096
PATIENCE: Final = 10.0


async def read_body(request: Request, kind: type[T], needs: str, most: int = BODY) -> T:
    """Return what a request says, in so many bytes at `most`.

    `needs` is what it should say, for whoever sent something else.

    Raises:
        ChatError: `forbidden` for what isn't JSON, `too_long`, `invalid`.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A form can't say this, so another page's form can't get here.
    if content_type != "application/json":
        raise ChatError(Code.FORBIDDEN, "The request is not JSON.")
    try:
        return msgspec.json.decode(await _read(request, most), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ChatError(Code.INVALID, f"The request needs {needs}.") from error


async def _read(request: Request, most: int) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise ChatError(Code.TOO_LONG, "The request is too long.")
    except TimeoutError:
        raise ChatError(Code.INVALID, "The request takes too long.") from None
    return body
