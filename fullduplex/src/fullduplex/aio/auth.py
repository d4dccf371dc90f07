"""HTTP authentication for the opening handshake (RFC 7617).

This module knows the Basic scheme; it knows no users, and keeps nothing but the
credentials that it was given.
"""

from __future__ import annotations

import hmac
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from ..exceptions import InvalidHeader
from ..protocol.headers import is_value, parse_authorization_basic
from ..protocol.http11 import Request, Response

if TYPE_CHECKING:
    from .connection import ServerConnection

__all__ = ["basic_auth"]

Checker: TypeAlias = Callable[[str, str], "bool | Awaitable[bool]"]


def basic_auth(
    realm: str = "",
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Checker | None = None,
) -> Callable[[ServerConnection, Request], Coroutine[Any, Any, Response | None]]:
    """Make a ``process_request`` that lets in who has a user name and its password.

    Anyone else is answered with 401 and asked for them.  The name of who came in is in
    the connection's ``username``.  Without TLS, the password can be read on its way.

    Args:
        realm: what the credentials are for, in ASCII; people may be shown it.
        credentials: a pair of user name and password, or several; all are
            compared, in a time that doesn't tell how much of a password was right.
        check_credentials: called with user name and password instead, returns
            whether they are right; may be a coroutine function.

    Raises:
        TypeError: if ``credentials`` are no pairs of strings.
        ValueError: unless exactly one of the last two is given; for a user name
            with a colon, or a realm that can't be in a header.
    """
    if (credentials is None) == (check_credentials is None):
        raise ValueError("either credentials or check_credentials must be given")
    challenge = _challenge(realm)
    check = check_credentials or _comparison(_pairs(credentials))

    async def process_request(connection: ServerConnection, request: Request) -> Response | None:
        given = _given(request)
        if given is not None:
            is_right = check(*given)
            if inspect.isawaitable(is_right):
                is_right = await is_right
            if is_right:
                connection.username = given[0]
                return None
        response = connection.respond(401, "A valid user name and password are needed.\n")
        response.headers["WWW-Authenticate"] = challenge
        return response

    return process_request


def _challenge(realm: str) -> str:
    """Return the value of WWW-Authenticate (RFC 7617 2, 2.1)."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    challenge = f'Basic realm="{quoted}", charset="UTF-8"'
    if not realm.isascii() or not is_value(challenge):
        raise ValueError(f"realm must be printable ASCII: {realm!r}")
    return challenge


def _given(request: Request) -> tuple[str, str] | None:
    """Return user name and password of a request, if it has them, once and well-formed."""
    values = request.headers.get_all("Authorization")
    if len(values) != 1:
        return None
    try:
        return parse_authorization_basic(values[0])
    except InvalidHeader:
        return None


def _is_pair(credentials: Any) -> bool:
    return (
        isinstance(credentials, tuple | list)
        and len(credentials) == 2
        and all(isinstance(part, str) for part in credentials)
    )


def _pairs(credentials: Any) -> list[tuple[str, str]]:
    """Return the pairs that ``credentials`` stand for."""
    pairs = [credentials] if _is_pair(credentials) else list(credentials)
    for pair in pairs:
        if not _is_pair(pair):
            raise TypeError("credentials must be a pair of user name and password, or several")
        if ":" in pair[0]:
            raise ValueError("a user name can't have a colon in Basic authentication")
    return pairs


def _comparison(pairs: list[tuple[str, str]]) -> Checker:
    """Return a function that compares credentials with each of ``pairs``."""
    known = [f"{username}:{password}".encode() for username, password in pairs]

    def check(username: str, password: str) -> bool:
        given = f"{username}:{password}".encode()
        # A sum doesn't stop at the first that is right.
        return sum(hmac.compare_digest(one, given) for one in known) > 0

    return check
