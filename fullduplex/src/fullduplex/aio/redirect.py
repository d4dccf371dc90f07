"""Redirects of the opening handshake: where they lead, and which aren't followed.

It decides on one redirect at a time; who connects counts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..auth.bearer import has_token
from ..exceptions import InvalidStatus, SecurityError
from ..protocol.headers import Headers
from ..protocol.http11 import Response
from ..protocol.uri import URI, resolve

__all__ = ["MAX_REDIRECTS", "redirected"]

#: Redirects that are followed in a row.
MAX_REDIRECTS = 10

_STATUSES = (301, 302, 303, 307, 308)
_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")
#: Options that say where a server is, whatever the URI says.
_PLACES = ("host", "port", "path")


def redirected(
    refusal: InvalidStatus,
    uri: URI,
    headers: Headers,
    options: Mapping[str, Any],
    subprotocols: Sequence[str] | None = None,
) -> tuple[URI, Headers]:
    """Return where a refusal leads, and with which additional headers to ask there.

    Credentials stay within one origin: beyond it go neither those of the URI
    nor the headers Authorization, Cookie and Proxy-Authorization.

    Raises:
        InvalidStatus: the refusal itself, if it is no redirect.
        InvalidURI: if it leads to no WebSocket.
        SecurityError: if it leads from TLS to none, or beyond the origin with a token among
            the subprotocols.
        ValueError: if the options leave no way there.
    """
    location = _location(refusal)
    if location is None:
        raise refusal
    target = resolve(uri, location)
    if options.get("sock") is not None:
        raise ValueError(f"can't follow a redirect to {target} with a given socket") from refusal
    if uri.secure and not target.secure:
        raise SecurityError(f"redirect from wss:// to {target}") from refusal
    if target.has_origin_of(uri):
        return target, headers
    if has_token(subprotocols or ()):
        raise SecurityError(f"redirect to {target} with a token among the subprotocols") from refusal
    for place in _PLACES:
        if options.get(place) is not None:
            raise ValueError(f"can't follow a redirect to {target} with a given {place}") from refusal
    return target, Headers(line for line in headers.raw_items() if line[0].lower() not in _CREDENTIALS)


def _location(refusal: InvalidStatus) -> str | None:
    response = refusal.response
    if response.status_code not in _STATUSES or not isinstance(response, Response):
        return None
    values = response.headers.get_all("Location")
    return values[0] if len(values) == 1 else None
