"""Reads what the address and the headers of a request say."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request

from hubbub import wire
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User

T = TypeVar("T")

NONCE: Final = "Idempotency-Key"


def read_query(request: Request, kind: type[T]) -> T:
    """Return what is behind the question mark; what is unknown there is ignored.

    Raises:
        ChatError: `invalid`.
    """
    query: T = _convert(dict(request.query_params), kind)
    return query


def read_number(request: Request) -> int:
    """Return the number of the message that a request is about.

    Raises:
        ChatError: `not_found` for what no message can have.
    """
    return int(_read(request, "q", wire.Number))


def read_stream(request: Request, user: User) -> str:
    """Return the stream that a request is about, by the name that its user has for it.

    Raises:
        ChatError: `not_found` for what is no stream's name.
    """
    name = read_id(request, "s")
    if name == wire.ME:
        return user.id
    if not name.startswith("r_"):
        raise ChatError(Code.NOT_FOUND)
    return name


def read_id(request: Request, what: str) -> str:
    """Return what a part of the path is called by.

    Raises:
        ChatError: `not_found` for what nothing is called.
    """
    return str(_read(request, what, wire.Id))


def read_nonce(request: Request) -> str:
    """Return the nonce of a request that writes.

    Raises:
        ChatError: `invalid` if it has none.
    """
    nonce = request.headers.get(NONCE)
    if nonce is None:
        raise ChatError(Code.INVALID, f"The request needs a nonce in {NONCE}.")
    return nonce


def _read(request: Request, what: str, kind: Any) -> Any:
    try:
        return _convert(request.path_params[what], kind)
    except ChatError as error:
        raise ChatError(Code.NOT_FOUND) from error


def _convert(value: object, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ChatError(Code.INVALID, f"{error}.") from error
