"""ws's options that stand for something else here: what they mean, and which can't be had.

It knows names and numbers only; what obeys them is elsewhere.
"""

from __future__ import annotations

import dataclasses
import http
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..aio.negotiation import deflate_factories
from ..exceptions import InvalidURI
from ..protocol.extensions.base import ExtensionFactory
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.headers import Headers
from ..protocol.http11 import Request, Response
from ..protocol.server import plain_response
from ..protocol.uri import URI
from ..protocol.url import parse_url

__all__ = [
    "ClientInfo",
    "Deflate",
    "check_unavailable",
    "extensions_of",
    "read_address",
    "refusal_of",
    "with_credentials",
]

#: What ``perMessageDeflate`` may be.
Deflate: TypeAlias = bool | Mapping[str, Any] | PerMessageDeflateFactory

_DEFLATE = {
    "serverNoContextTakeover": "server_no_context_takeover",
    "clientNoContextTakeover": "client_no_context_takeover",
    "serverMaxWindowBits": "server_max_window_bits",
    "clientMaxWindowBits": "client_max_window_bits",
    "threshold": "threshold",
}
_ZLIB = {"level": "level", "memLevel": "memory_level"}
#: What says here what an option of ws says there.
_INSTEAD = {
    "agent": "proxy or sock says it",
    "closeTimeout": "close_timeout says it, in seconds",
    "generateMask": "masking keys must be unpredictable (5.3)",
    "maxBufferedChunks": "limits says it",
    "maxFragments": "limits says it",
    "maxPendingAutoPongs": "there is never more than one that waits",
    "server": "http says it",
}
_UNIX = "ws+unix:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientInfo:
    """What ``verifyClient`` is told: the Origin header or None, the request, and whether there is TLS."""

    origin: str | None
    req: Request
    secure: bool


def extensions_of(option: Deflate) -> Sequence[ExtensionFactory]:
    """Return what ``perMessageDeflate`` stands for.

    Raises:
        TypeError: for a name that it doesn't have.
        ValueError: for a number out of its range.
    """
    if isinstance(option, Mapping):
        named = dict(option)
        zlib = named.pop("zlibDeflateOptions", {})
        settings = _translated("perMessageDeflate", named, _DEFLATE)
        settings |= _translated("zlibDeflateOptions", zlib, _ZLIB)
        return (PerMessageDeflateFactory(**settings),)
    return deflate_factories("deflate" if option is True else option or None)


def _translated(option: str, values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    unknown = values.keys() - names.keys()
    if unknown:
        raise TypeError(f"{option} has no option {min(unknown)!r}")
    return {names[name]: value for name, value in values.items()}


def check_unavailable(
    names: Collection[str],
    *,
    skipUTF8Validation: bool,
    allowSynchronousEvents: bool,
    protocolVersion: int = 13,
) -> None:
    """Refuse options of ws that have another name here, and values that can't be had.

    Raises:
        TypeError: naming the option, and what stands for it.
        ValueError: naming the option, and why.
    """
    for name in names:
        if name in _INSTEAD:
            raise TypeError(f"{name} isn't an option here: {_INSTEAD[name]}")
    if skipUTF8Validation:
        raise ValueError("skipUTF8Validation can't be had: text is str, which has to be UTF-8 (8.1)")
    if not allowSynchronousEvents:
        raise ValueError(
            "allowSynchronousEvents can't be turned off: what arrives at once is emitted in one turn"
        )
    if protocolVersion != 13:
        raise ValueError(f"protocolVersion can't be {protocolVersion}: only 13 is spoken (4.1)")


def read_address(address: str) -> tuple[str, URI, dict[str, str]]:
    """Return an address in normal form, what to ask for, and the option that says where, if it does.

    Raises:
        InvalidURI: if it isn't one.
    """
    if address.startswith(_UNIX):
        path, _, resource = address.removeprefix(_UNIX).partition(":")
        if not path:
            raise InvalidURI(address, "there is no path of a socket in it")
        return address, parse_url("ws://localhost/" + resource.removeprefix("/")).uri, {"path": path}
    url = parse_url(address)
    if url.fragment:
        raise InvalidURI(address, "it has a fragment")
    return str(url), url.uri, {}


def with_credentials(uri: URI, auth: str | None, headers: Headers) -> URI:
    """Return the address with what to authenticate by: nothing if headers do so, its own, or ``auth``."""
    if "Authorization" in headers:
        return dataclasses.replace(uri, username=None, password=None)
    if auth is None or uri.username is not None:
        return uri
    username, _, password = auth.partition(":")
    return dataclasses.replace(uri, username=username, password=password)


def refusal_of(result: Any) -> Response | None:
    """Return the response that a result of ``verifyClient`` asks for; None lets the client in.

    The result is a bool, or a tuple that begins with one and goes on with
    status (401 by default), body (the status's phrase) and headers, as far as given.
    """
    given = result if isinstance(result, tuple) else (result,)
    verified, code, message, headers = (*given, None, None, None)[:4]
    if verified:
        return None
    status = code or http.HTTPStatus.UNAUTHORIZED
    response = plain_response(status, message or http.HTTPStatus(status).phrase)
    for name, value in (headers or {}).items():
        if name in response.headers:
            del response.headers[name]
        response.headers[name] = value
    return response
