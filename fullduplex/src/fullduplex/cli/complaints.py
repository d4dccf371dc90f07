"""What goes wrong before a connection is open, in one sentence that says what to do.

It knows this system's words for errors, and the commands' options; a sentence
has no credentials and no query of an address in it.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Mapping

from ..exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
)

__all__ = ["ABNORMAL", "FAILED", "INTERRUPTED", "USAGE", "Complaint", "advice", "reason", "without_secrets"]

#: Exit statuses: no connection, wrong arguments, a connection that ended badly, Ctrl-C.
FAILED, USAGE, ABNORMAL, INTERRUPTED = 1, 2, 3, 130

_CREDENTIALS = re.compile(r"(?<=//)[^/?#]*@|^[^/?#]*@(?!.*//)")
_QUERY = re.compile(r"[?#].*", re.DOTALL)

_BY_STATUS: Mapping[int, str] = {
    400: "it may want another --subprotocol, or something else in the request",
    401: "it wants to know who you are: give --user or --bearer",
    403: "it may want another --origin, or other credentials",
    404: "check the path of the address",
    429: "it asks you to come less often: try again later",
    503: "it is overloaded or being started: try again later",
}


class Complaint(Exception):
    """The command can't go on; the sentence says why, and ``status`` is what it exits with."""

    def __init__(self, sentence: str, status: int = FAILED) -> None:
        super().__init__(sentence)
        self.status = status


def without_secrets(address: str) -> str:
    """Return what was given as an address without user name, password and query."""
    return _QUERY.sub("", _CREDENTIALS.sub("", address))


def reason(error: BaseException) -> str:
    """Say in words of this system's, if it has any, what went wrong."""
    if isinstance(error, socket.gaierror):
        return str(error.strerror).lower()
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {getattr(error, 'verify_message', '') or getattr(error, 'reason', '') or error}"
    if isinstance(error, OSError) and (number := _number_of(error)):
        return os.strerror(number).lower()
    if isinstance(error, InvalidURI):
        return f"{without_secrets(error.uri)} isn't a valid WebSocket URI: {error.problem}"
    return str(error)


def _number_of(error: OSError) -> int | None:
    """Return the number of an error, also where asyncio made one text of those of several addresses."""
    numbers = set(re.findall(r"\[Errno (\d+)\]", str(error)))
    return error.errno or (int(numbers.pop()) if len(numbers) == 1 else None)


def advice(error: BaseException) -> str:
    """Say what to do about an error of connecting, or nothing."""
    match error:
        case socket.gaierror():
            return "check the name of the host"
        case ssl.SSLCertVerificationError():
            return "--cafile names whom to trust, --insecure trusts anyone"
        case ssl.SSLError():
            return "if the server has no TLS, its address begins with ws://"
        case OSError() if _number_of(error) == errno.ECONNREFUSED:
            return "see that it runs, and on this port"
        case InvalidProxyStatus() if error.response.status_code == 407:
            return "give it a user name and a password: --proxy http://USER:PASSWORD@HOST:PORT"
        case InvalidStatus():
            return _BY_STATUS.get(error.response.status_code, "the address may be of something else")
        case NegotiationError():
            return "see which --subprotocol it has"
        case InvalidMessage() | InvalidUpgrade():
            return "there may be no WebSocket server at this address"
        case InvalidHandshake() | OSError():
            return ""
    return ""
