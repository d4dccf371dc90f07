"""What all ways of authentication have in common: they ask a check who someone is.

A check is the program's: a function, or a coroutine function, that is given
credentials and returns whom they belong to.  This module knows what its answers
mean; it doesn't know where credentials come from.

Invariants:

1. Only an answer that is true lets anyone in.
2. What a check raises is told by its kind and place alone, as its words may hold the credentials.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from ..protocol.headers import is_value
from ..protocol.http11 import Request, Response
from ..protocol.server import plain_response

__all__ = ["Check", "Forbidden", "ProcessRequest", "admit", "ask", "challenge", "digest", "refusal"]

#: Returns the user that a secret belongs to, or what is false; may be a coroutine function.
Check: TypeAlias = Callable[[str], Any]
#: What ``serve`` and ``WebSocketServer`` take as ``process_request``.
ProcessRequest: TypeAlias = Callable[[Any, Request], Coroutine[Any, Any, Response | None]]


class Forbidden(Exception):
    """Raised by a check: it is known who asks, and that they may not come in."""


async def ask(check: Callable[..., Any], *credentials: str) -> Any:
    """Return the user that ``check`` knows by these credentials, or None.

    Raises:
        Forbidden: if the check does.
        RuntimeError: if the check raises anything else, be it that what it waited for was cancelled.
    """
    try:
        user = check(*credentials)
        if inspect.isawaitable(user):
            user = await user
    except Forbidden:
        raise
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
            raise
        failure = RuntimeError(f"the check of credentials raised {type(error).__name__}")
        failure.with_traceback(error.__traceback__)
    else:
        return user or None
    # Out here, as the error would be its context in there, and its words be told with it.
    try:
        raise failure
    finally:
        # Its traceback has this frame.
        del failure


def _is_being_cancelled() -> bool:
    """Tell whether it is us who are cancelled, and not something that a check has waited for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def admit(
    connection: Any, refuse: Callable[[], Response], check: Callable[..., Any], *credentials: str
) -> Response | None:
    """Let in whom ``check`` knows, as the connection's ``user``; return the refusal of anyone else."""
    try:
        user = await ask(check, *credentials)
    except Forbidden:
        return plain_response(403, "You may not come in.\n")
    if user is None:
        return refuse()
    connection.user = user
    return None


def digest(secret: str) -> bytes:
    """Return what may be kept of a secret, and looked up in a time that tells nothing of it.

    A fast hash will do, as nobody guesses a secret that was made at random.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def refusal(status: int, text: str, challenge: str) -> Response:
    """Make a response that says what would let someone in (RFC 9110 11.6.1)."""
    response = plain_response(status, text)
    response.headers["WWW-Authenticate"] = challenge
    return response


def challenge(scheme: str, realm: str, **parameters: str) -> str:
    """Build the value of WWW-Authenticate (RFC 9110 11.6.1).

    Raises:
        ValueError: if ``realm`` can't be in a header.
    """
    if not realm.isascii() or not is_value(f"-{realm}-"):
        raise ValueError(f"realm must be printable ASCII: {realm!r}")
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    pairs = {"realm": quoted, **parameters}.items()
    return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in pairs)
