"""Proxies: their addresses, and what a client says to one until it passes bytes on.

A tunnel takes the proxy's bytes and gives those to send; once it is open,
everything belongs to the server behind the proxy.  This module speaks HTTP's
CONNECT (RFC 9110 9.3.6); ``socks`` speaks SOCKS.
"""

from __future__ import annotations

import abc
import re
import urllib.parse
from dataclasses import dataclass, field

from ..exceptions import InvalidMessage, InvalidProxy, InvalidProxyMessage, InvalidProxyStatus
from .headers import Headers, build_authorization_basic
from .http11 import HeadReader, Request, Response, read_response
from .limits import Limits

__all__ = ["HTTPTunnel", "Proxy", "Tunnel", "parse_proxy"]

DEFAULT_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
_CREDENTIALS = re.compile(r"\A([a-z0-9]+://)?.*@", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The address of a proxy; ``host`` is without brackets.  As text, it has no credentials."""

    scheme: str
    host: str
    port: int
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_proxy(proxy: str) -> Proxy:
    """Parse the address of a proxy: http, https, socks4, socks4a, socks5 or socks5h.

    Raises:
        InvalidProxy: if it isn't one; the exception says why, without credentials.
    """
    shown = _CREDENTIALS.sub(r"\1", proxy)
    try:
        parts = urllib.parse.urlsplit(proxy)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        raise InvalidProxy(shown, "host or port is malformed") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidProxy(shown, f"the scheme isn't one of {', '.join(DEFAULT_PORTS)}")
    if not host:
        raise InvalidProxy(shown, "there is no host in it")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidProxy(shown, "there is more than a host and a port in it")
    port = port or DEFAULT_PORTS[parts.scheme]
    if parts.username is None:
        return Proxy(parts.scheme, host, port)
    username, password = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
    _check_credentials(shown, parts.scheme, username, password)
    return Proxy(parts.scheme, host, port, username, password)


def _check_credentials(shown: str, scheme: str, username: str, password: str) -> None:
    """See that user name and password can be sent to a proxy (RFC 7617 2, RFC 1929 2)."""
    if scheme.startswith("http"):
        if ":" in username:
            raise InvalidProxy(shown, "the user name has a colon")
    elif "\0" in username or max(len(username.encode()), len(password.encode())) > 255:
        raise InvalidProxy(shown, "the user name or password can't be sent by SOCKS")


class Tunnel(abc.ABC):
    """What is said to a proxy until it has connected us."""

    def __init__(self) -> None:
        self.is_open = False
        self._output = b""

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, and forget them."""
        output, self._output = self._output, b""
        return output

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the proxy.

        Raises:
            ProxyError: if it doesn't connect us, or speaks another protocol.
        """
        rest = self._receive(data)
        if self.is_open and rest:
            raise InvalidProxyMessage("bytes came from behind the proxy before the server was asked anything")

    def receive_eof(self) -> None:
        """Take note that the proxy has gone.

        Raises:
            InvalidProxyMessage: always.
        """
        raise InvalidProxyMessage("proxy closed the connection before its answer was whole") from EOFError()

    @abc.abstractmethod
    def _receive(self, data: bytes) -> bytes:
        """Take bytes; return those behind the proxy's last answer."""


class HTTPTunnel(Tunnel):
    """A tunnel by HTTP's CONNECT, with Basic authentication if the proxy has credentials.

    Args:
        proxy: the proxy.
        host: where the tunnel leads.
        port: its port.
        user_agent: value of User-Agent; None leaves it out.
        limits: what the head of the answer may have.
    """

    def __init__(self, proxy: Proxy, host: str, port: int, user_agent: str | None, limits: Limits) -> None:
        super().__init__()
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        headers = Headers({"Host": authority})
        if user_agent is not None:
            headers["User-Agent"] = user_agent
        if proxy.username is not None:
            headers["Proxy-Authorization"] = build_authorization_basic(proxy.username, proxy.password or "")
        self._output = Request(authority, headers, method="CONNECT").serialize()
        self._head = HeadReader(limits)

    def _receive(self, data: bytes) -> bytes:
        try:
            response = self._read(self._head.receive(data))
        except InvalidMessage as error:
            raise InvalidProxyMessage(f"proxy's answer is no HTTP response: {error}") from error
        if response is None:
            return b""
        if not 200 <= response.status_code < 300:
            raise InvalidProxyStatus(response)
        # 9.3.6: whatever its headers say, this response has no body.
        self.is_open = True
        return self._head.rest()

    def _read(self, lines: list[bytes] | None) -> Response | None:
        """Return the response that counts; interim ones are passed over (RFC 9110 15.2)."""
        while lines is not None:
            # Several proxies answer as HTTP/1.0, which for a tunnel is no difference.
            lines[0] = lines[0].replace(b"HTTP/1.0 ", b"HTTP/1.1 ", 1)
            response = read_response(lines)
            if response.status_code == 101 or response.status_code >= 200:
                return response
            lines = self._head.next_head()
        return None
