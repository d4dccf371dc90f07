"""Tells who asks, and by which scheme, where a proxy that we trust says so.

A proxy adds to `X-Forwarded-For` whom it was asked by, and what is before that anybody may have made up.  So
it is read from its end, as far as those are trusted who added to it.  What anybody else says isn't read.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FOR: Final = "X-Forwarded-For"
PROTO: Final = "X-Forwarded-Proto"

_SECURE: Final = {"https", "wss"}


class Proxies:
    """Those whose word is taken."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks

    def find_client(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return the address of who asks: that of the peer, or what trusted ones say in `X-Forwarded-For`.

        If they name trusted ones only, it is the first; what is no address is passed over with all before it.
        """
        client = _parse(peer)
        for said in reversed(",".join(forwarded).split(",")):
            if client is None or not self._trust(client):
                break
            named = _parse(_without_port(said.strip()))
            if named is None:
                break
            client = named
        return peer if client is None else str(client)

    def find_scheme(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return how a client asks, `http` or `https`: plain, unless a trusted one says otherwise."""
        client = _parse(peer)
        if client is None or not forwarded or not self._trust(client):
            return "http"
        return "https" if forwarded[-1].strip() in _SECURE else "http"

    def _trust(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


NOBODY: Final = Proxies(())
"""Nobody is trusted."""


class BehindProxies:
    """Lets the application see who asks, and how, and not the proxy."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and scope.get("client") is not None:
            headers, (peer, port) = Headers(scope=scope), scope["client"]
            client = self._proxies.find_client(peer, headers.getlist(FOR))
            scheme = self._proxies.find_scheme(peer, headers.getlist(PROTO))
            scope.update(client=(client, port), scheme=scheme)
        await self._app(scope, receive, send)


def _parse(address: str) -> Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    # So IPv4 looks to a server that listens on both.
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _without_port(said: str) -> str:
    """Return the address in what a proxy says, which may have a port: `192.0.2.1:80`, `[2001:db8::1]:80`."""
    if said.startswith("["):
        return said[1:].partition("]")[0]
    return said.partition(":")[0] if said.count(":") == 1 else said
