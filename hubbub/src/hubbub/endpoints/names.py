"""Knows by which names this server is asked for, and refuses requests that use another.

Anybody can let a name of theirs lead to this server's address.  A browser then takes their page for ours:
`Origin` and `Host` agree, and only that we don't go by that name gives it away.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from hubbub.domain.errors import ChatError, Code
from hubbub.endpoints import health
from hubbub.endpoints.errors import on_chat_error
from hubbub.endpoints.origin import find_host

REFUSAL: Final = "This server doesn't go by this name; its owner can allow it with --public-url."


class Names:
    """The names that requests may use for this server.

    With `public_url` that is the name in it alone; whoever watches the server's health may use its address
    too.  Without, it is any address, `localhost`, `host`, and what the `machine` calls itself.
    """

    def __init__(self, host: str, machine: str, public_url: str | None) -> None:
        short = machine.partition(".")[0]
        own = (host, machine, short, f"{short}.local")
        self._is_public = public_url is not None
        self._names = {find_host(public_url)} if public_url is not None else {name.lower() for name in own}

    def include(self, hosts: Sequence[str], path: str) -> bool:
        """Say whether a request with these `Host` headers, which must be one, may ask for this path."""
        name = find_host(f"http://{hosts[0]}") if len(hosts) == 1 else None
        if name is None:
            return False
        return name in self._names or (_is_near(name) and (not self._is_public or path in health.PATHS))


class NameCheck:
    """Answers requests that use a wrong name, and passes on all others."""

    def __init__(self, app: ASGIApp, names: Names) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        answer = self._app
        if scope["type"] == "http":
            hosts = Headers(scope=scope).getlist("host")
            if not self._names.include(hosts, scope["path"]):
                answer = await on_chat_error(Request(scope), ChatError(Code.FORBIDDEN, REFUSAL))
        await answer(scope, receive, send)


def _is_near(name: str) -> bool:
    """Say whether a name is one that nobody can let lead elsewhere: an address, or this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
