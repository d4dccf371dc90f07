"""User name and password in the opening handshake: the Basic scheme (RFC 7617).

This module knows no users, and keeps nothing but the credentials that it was given.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from ..exceptions import InvalidHeader
from ..protocol.headers import parse_authorization_basic
from ..protocol.http11 import Request, Response
from .checks import ProcessRequest, admit, challenge, refusal

__all__ = ["basic_auth"]

Checker: TypeAlias = Callable[[str, str], "bool | Awaitable[bool]"]


def basic_auth(
    realm: str = "",
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Checker | None = None,
) -> ProcessRequest:
    """Make a ``process_request`` that lets in who has a user name and its password.

    Anyone else is answered with 401 and asked for them.  The name of who came in is in
    the connection's ``username``, and in its ``user``.  Without TLS, the password can be
    read on its way.

    Args:
        realm: what the credentials are for, in ASCII; people may be shown it.
        credentials: a pair of user name and password, or several; all are
            compared, in a time that doesn't tell how much of a password was right.
        check_credentials: called with user name and password instead, returns
            whether they are right; may be a coroutine function. What it raises is
            status 500, and ``Forbidden`` 403.

    Raises:
        TypeError: if ``credentials`` are no pairs of strings.
        ValueError: unless exactly one of the last two is given; for a user name
            with a colon, or a realm that can't be in a header.
    """
    if (credentials is None) == (check_credentials is None):
        raise ValueError("either credentials or check_credentials must be given")
    check = check_credentials or _comparison(_pairs(credentials))
    refuse = functools.partial(
        refusal,
        401,
        "A valid user name and password are needed.\n",
        challenge("Basic", realm, charset="UTF-8"),
    )

    async def process_request(connection: Any, request: Request) -> Response | None:
        given = _given(request)
        if given is None:
            return refuse()
        response = await admit(connection, refuse, check, *given)
        if response is None:
            connection.user = connection.username = given[0]
        return response

    return process_request


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
