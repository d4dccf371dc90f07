"""Who may open the WebSocket, and by whose token."""

from __future__ import annotations

from typing import Any, Final, Protocol

from fullduplex import Headers, Request, Response
from hubbub.endpoints import cookies
from hubbub.endpoints.names import REFUSAL, Names
from hubbub.endpoints.origin import is_same_origin
from hubbub.endpoints.proxies import NOBODY, PROTO, Proxies

PATH: Final = "/v1/realtime"


class Visitor(Protocol):
    """A connection that isn't open yet."""

    @property
    def remote_address(self) -> Any:
        """Where it comes from, as the socket tells it."""

    def respond(self, status: int, text: str) -> Response:
        """Make a response."""


class Door:
    """Looks at the opening handshake of every WebSocket.

    Whether a token is worth anything is found out after the hello: a browser's script couldn't see the
    reason of a refusal at the door.
    """

    def __init__(self, names: Names, public_url: str | None, proxies: Proxies = NOBODY) -> None:
        self._names = names
        self._public_url = public_url
        self._proxies = proxies

    def check(self, connection: Visitor, request: Request) -> Response | None:
        """Return the refusal of a request that may not pass: a wrong name or path, or another page's script.

        Without an Origin it isn't a browser's: such a program has no business with a cookie.
        """
        if not self._names.include(request.headers.get_all("Host"), request.path):
            return connection.respond(403, f"{REFUSAL}\n")
        if request.path.partition("?")[0] != PATH:
            return connection.respond(404, "There is no WebSocket at this address.\n")
        if not self._may_pass(str(connection.remote_address[0]), request.headers):
            return connection.respond(403, "The request comes from another page.\n")
        return None

    def _may_pass(self, peer: str, headers: Headers) -> bool:
        origins = headers.get_all("Origin")
        if not origins:
            return find_token(headers) is None
        hosts, scheme = headers.get_all("Host"), self._proxies.find_scheme(peer, headers.get_all(PROTO))
        return len(origins) == len(hosts) == 1 and is_same_origin(
            origins[0], hosts[0], self._public_url, scheme
        )


def find_token(headers: Headers) -> str | None:
    """Return the token that came in a cookie, if there was one."""
    return cookies.read("; ".join(headers.get_all("Cookie")))
