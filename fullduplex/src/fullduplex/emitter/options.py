"""ws's options that stand for something else here: what they mean, and which can't be had.

It knows names and numbers only; what obeys them is elsewhere.
"""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..aio.negotiation import deflate_factories
from ..protocol.extensions.base import ExtensionFactory
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.http11 import Request, Response
from ..protocol.server import plain_response

__all__ = ["ClientInfo", "Deflate", "check_unavailable", "extensions_of", "refusal_of"]

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


def check_unavailable(*, skipUTF8Validation: bool, allowSynchronousEvents: bool) -> None:
    """Refuse values of ws's options that can't be had here.

    Raises:
        ValueError: naming the option, and why.
    """
    if skipUTF8Validation:
        raise ValueError("skipUTF8Validation can't be had: text is str, which has to be UTF-8 (8.1)")
    if not allowSynchronousEvents:
        raise ValueError(
            "allowSynchronousEvents can't be turned off: what arrives at once is emitted in one turn"
        )


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
