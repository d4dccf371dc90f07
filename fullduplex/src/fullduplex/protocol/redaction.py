"""What of an opening handshake may be shown in logs and traces, and what is secret.

It knows the headers, parameters and subprotocols in which credentials travel;
which of them a program uses it doesn't know, so anything that is called like
one is hidden.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

__all__ = ["HIDDEN", "shown_header", "shown_target"]

#: What stands in place of a secret.
HIDDEN = "[hidden]"

_SECRET = re.compile(r"auth|cookie|credential|key|passw|secret|session|signature|ticket|token", re.IGNORECASE)
#: The scheme of an Authorization header isn't secret; without one, all of it is.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]*) +\S.*")
#: Handshakes' own, of which the keys are no secrets; their subprotocols may be.
_OWN = "sec-websocket-"
_ADDRESSES = frozenset({"location", "referer"})


def shown_header(name: str, value: str) -> str:
    """Return a header's value without secrets."""
    folded = name.lower()
    if folded == f"{_OWN}protocol":
        value = ", ".join(_shown_subprotocol(one.strip()) for one in value.split(","))
    elif folded in _ADDRESSES:
        value = shown_target(value)
    elif not folded.startswith(_OWN) and folded != "www-authenticate" and _SECRET.search(folded):
        scheme = _SCHEME.fullmatch(value) if "authorization" in folded else None
        value = HIDDEN if scheme is None else f"{scheme[1]} {HIDDEN}"
    return value


def _shown_subprotocol(subprotocol: str) -> str:
    return f"{subprotocol[:7]}{HIDDEN}" if subprotocol[:7].lower() == "bearer." else subprotocol


def shown_target(target: str) -> str:
    """Return a request's target, or an address, with the values of secret parameters hidden."""
    path, mark, query = target.partition("?")
    return path + mark + "&".join(map(_shown_parameter, query.split("&")))


def _shown_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={HIDDEN}" if equals and _SECRET.search(unquote_plus(name)) else parameter
