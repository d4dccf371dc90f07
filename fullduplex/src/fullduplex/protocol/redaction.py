"""What of an opening handshake may be shown in logs and traces, and what is secret.

It knows the headers, parameters and subprotocols in which credentials travel;
which of them a program uses it doesn't know, so anything that is called like
one is hidden.

Invariants:

1. Whatever a peer sends, it takes linear time.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

__all__ = ["HIDDEN", "shown_header", "shown_target"]

#: What stands in place of a secret.
HIDDEN = "[hidden]"

_SECRET = re.compile(
    r"assertion|auth|bearer|cookie|credential|jwt|key|oidc|pass|pwd|secret|session|signature|ticket|token"
    r"|\A(?:code|otp|pin|sid|sig)\Z",
    re.IGNORECASE,
)
#: The scheme of an Authorization header isn't secret; without one, all of it is.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]*) +\S.*")
#: Handshakes' own, of which the keys are no secrets; their subprotocols may be.
_OWN = "sec-websocket-"
# Our own form of a token, Kubernetes' form, others that say what follows, and JSON web tokens.
_SUBPROTOCOL = re.compile(r"((?:bearer|jwt|ticket|token)[.:~|-]|\beyJ)[^\s,;\"]+", re.IGNORECASE)
_USER = re.compile(r"//[^/?#\s]*@")
#: What stands between parameters, and before the first of them.
_SEPARATOR = re.compile(r"([?&;#])")


def shown_header(name: str, value: str) -> str:
    """Return a header's value without secrets."""
    folded = name.lower()
    if folded == f"{_OWN}protocol":
        return _SUBPROTOCOL.sub(rf"\1{HIDDEN}", value)
    if folded.startswith(_OWN) or folded == "www-authenticate":
        return value
    if _SECRET.search(folded):
        scheme = _SCHEME.fullmatch(value) if "authorization" in folded else None
        return HIDDEN if scheme is None else f"{scheme[1]} {HIDDEN}"
    # It may be an address, or have one in it, as Location, Referer, Link and X-Original-URI.
    return shown_target(value)


def shown_target(target: str) -> str:
    """Return a request's target, or an address, without user and password and secret parameters' values."""
    parts = _SEPARATOR.split(_USER.sub(f"//{HIDDEN}@", target))
    return "".join(map(_shown_parameter, parts))


def _shown_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    if not equals:
        return parameter
    # The value may be an address with parameters of its own.
    inner = unquote_plus(value)
    is_secret = _SECRET.search(unquote_plus(name).strip()) or ("=" in inner and _SECRET.search(inner))
    return f"{name}={HIDDEN}" if is_secret or _USER.search(inner) else parameter
