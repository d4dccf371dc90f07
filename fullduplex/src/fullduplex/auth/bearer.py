"""A token in the opening handshake: in Authorization (RFC 6750), or among the subprotocols.

Pages can't set headers, but they can offer subprotocols: ``bearer.`` and the
token in base64url without padding is one.  It is taken out of the request before
anyone else reads that, and never agreed on.  As a browser drops a connection for
which none of its subprotocols is chosen, there is another one beside it, which
may be ``bearer``.  This module knows no tokens.

Invariants:

1. Once a request was looked at, no token is left among its subprotocols.
2. A token of a request that has several isn't used.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..exceptions import InvalidHeader
from ..protocol.handshake import list_values
from ..protocol.http11 import Request, Response
from .checks import Check, ProcessRequest, admit, challenge, digest, refusal

__all__ = ["bearer_auth", "bearer_subprotocols", "has_token"]

#: Agreed on where the program has no subprotocol of its own.
MARKER = "bearer"
PREFIX = "bearer."
_NEEDED = "A valid token is needed.\n"
# RFC 6750 2.1: b64token.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


def bearer_subprotocols(token: str, *others: str) -> list[str]:
    """Return the subprotocols with which a client that can't set headers sends a token.

    Args:
        token: what the server's ``bearer_auth`` checks: any text that isn't empty.
        others: the program's own subprotocols; where it has none, ``bearer`` is offered.

    Raises:
        ValueError: if the token is empty.
    """
    if not token:
        raise ValueError("the token is empty")
    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return [*(others or (MARKER,)), PREFIX + encoded]


def bearer_auth(
    check: Check | None = None, *, tokens: Mapping[str, Any] | None = None, realm: str = ""
) -> ProcessRequest:
    """Make a ``process_request`` that lets in who has a token, and sets the connection's ``user``.

    Programs send it as ``Authorization: Bearer …``, and pages among their
    subprotocols, as ``bearer_subprotocols`` makes them; nobody else gets to see that
    one.  Anyone else is answered with 401, and with 400 who sends several.  Without
    TLS, the token can be read on its way.

    Args:
        check: called with the token, returns whose it is, or None; may be a coroutine
            function. What it raises is status 500, and ``Forbidden`` 403.
        tokens: whose each token is, instead; looked up in a time that doesn't tell how
            much of a token was right.
        realm: what the token is for, in ASCII.

    Raises:
        ValueError: unless exactly one of ``check`` and ``tokens`` is given; for a realm
            that can't be in a header.
    """
    if (check is None) == (tokens is None):
        raise ValueError("either check or tokens must be given")
    known = check or _comparison(tokens or {})
    # RFC 6750 3.1: who sent no token isn't told of an error.
    absent = functools.partial(refusal, 401, _NEEDED, challenge("Bearer", realm))
    invalid = functools.partial(refusal, 401, _NEEDED, challenge("Bearer", realm, error="invalid_token"))
    several = functools.partial(
        refusal, 400, "One token is needed.\n", challenge("Bearer", realm, error="invalid_request")
    )

    async def process_request(connection: Any, request: Request) -> Response | None:
        sent, offered = _sent(request), _take_offered(request)
        if offered:
            connection.codec.default_subprotocol = MARKER
        tokens = sent + offered
        if len(tokens) != 1:
            return several() if tokens else absent()
        token = tokens[0]
        return invalid() if token is None else await admit(connection, invalid, known, token)

    return process_request


def has_token(subprotocols: Iterable[str]) -> bool:
    """Tell whether there is a token among subprotocols."""
    return any(one.startswith(PREFIX) for one in subprotocols)


def _comparison(tokens: Mapping[str, Any]) -> Check:
    """Return a function that looks tokens up by their digests."""
    users = {digest(token): user for token, user in tokens.items()}
    return lambda token: users.get(digest(token))


def _sent(request: Request) -> list[str | None]:
    """Return the tokens in Authorization; None for what isn't one."""
    found: list[str | None] = []
    for value in request.headers.get_all("Authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() == "bearer":
            token = token.strip()
            found.append(token if _TOKEN.fullmatch(token) else None)
    return found


def _take_offered(request: Request) -> list[str | None]:
    """Take the tokens out of the subprotocols, and return them; None for what isn't one."""
    headers = request.headers
    try:
        offered = list_values(headers, "Sec-WebSocket-Protocol")
    except InvalidHeader:
        # The handshake refuses this request, if it gets there.
        return []
    tokens = [one for one in offered if one.startswith(PREFIX)]
    if tokens:
        del headers["Sec-WebSocket-Protocol"]
        others = [one for one in offered if one not in tokens]
        if others:
            headers["Sec-WebSocket-Protocol"] = ", ".join(others)
    return [_decoded(one.removeprefix(PREFIX)) for one in tokens]


def _decoded(encoded: str) -> str | None:
    try:
        token = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        return token.decode() or None
    except ValueError:
        return None
