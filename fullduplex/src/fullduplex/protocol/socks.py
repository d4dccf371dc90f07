"""What a client says to a SOCKS proxy: version 5 (RFC 1928, 1929), 4 and 4a.

A conversation is a generator: it yields what to send and how many bytes of
answer to wait for, and is sent exactly those.  Numbers of clauses are those of
RFC 1928.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from typing import TypeAlias

from ..exceptions import InvalidProxyMessage, ProxyError
from .proxy import Proxy, Tunnel

__all__ = ["SOCKSTunnel"]

Conversation: TypeAlias = Generator[tuple[bytes, int], bytes, None]

#: 6: what is wrong, by the byte that says so.
_FAILURES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network is unreachable",
    4: "host is unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command isn't supported",
    8: "address type isn't supported",
}
#: Those that without a proxy would be an ``OSError``.
_UNREACHED = (3, 4, 5, 6)


class SOCKSTunnel(Tunnel):
    """A tunnel through a SOCKS proxy.

    Args:
        proxy: the proxy; with socks4 and socks5, names are to be resolved before.
        host: where the tunnel leads: a name or an address.
        port: its port.

    Raises:
        ProxyError: if the version can't be asked for such a host.
    """

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        super().__init__()
        speak = _speak_5 if proxy.scheme.startswith("socks5") else _speak_4
        self._conversation = speak(proxy, host, port)
        self._buffer = bytearray()
        self._output, self._wanted = next(self._conversation)

    def _receive(self, data: bytes) -> bytes:
        self._buffer += data
        while not self.is_open and len(self._buffer) >= self._wanted:
            answer = bytes(self._buffer[: self._wanted])
            del self._buffer[: self._wanted]
            try:
                output, self._wanted = self._conversation.send(answer)
                self._output += output
            except StopIteration:
                self.is_open = True
        return bytes(self._buffer)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _name(host: str) -> bytes:
    name = host.encode()
    if len(name) > 255:
        raise ProxyError("host name is too long for SOCKS")
    return name


def _speak_5(proxy: Proxy, host: str, port: int) -> Conversation:
    address = _address(host)
    if address is None:
        name = _name(host)
        target = bytes((3, len(name))) + name
    else:
        target = bytes((1 if address.version == 4 else 4,)) + address.packed
    # 3: without authentication, or with user name and password as well.
    methods = b"\x00" if proxy.username is None else b"\x00\x02"
    version, method = yield bytes((5, len(methods))) + methods, 2
    _check_version(version, 5)
    if method not in methods:
        raise ProxyError("SOCKS proxy accepts none of our ways to authenticate")
    if method == 2:
        username, password = (proxy.username or "").encode(), (proxy.password or "").encode()
        credentials = bytes((len(username),)) + username + bytes((len(password),)) + password
        _, status = yield b"\x01" + credentials, 2
        if status:
            raise ProxyError("SOCKS proxy refused user name and password")
    version, reply, _, kind = yield b"\x05\x01\x00" + target + port.to_bytes(2, "big"), 4
    _check_version(version, 5)
    if reply:
        _refuse(_FAILURES.get(reply, f"failure {reply}"), is_unreached=reply in _UNREACHED)
    # 6: the address that it is bound to tells us nothing, but is there.
    sizes = {1: 4, 4: 16}
    if kind == 3:
        (size,) = yield b"", 1
        sizes[3] = size
    if kind not in sizes:
        raise InvalidProxyMessage(f"SOCKS proxy answered with an address of type {kind}")
    yield b"", sizes[kind] + 2


def _speak_4(proxy: Proxy, host: str, port: int) -> Conversation:
    address = _address(host)
    if address is None:
        # 4a: an address that can't be, and the name behind everything else.
        packed, name = b"\x00\x00\x00\x01", _name(host) + b"\x00"
    elif address.version == 4:
        packed, name = address.packed, b""
    else:
        raise ProxyError("SOCKS4 knows no IPv6 addresses")
    username = (proxy.username or "").encode() + b"\x00"
    version, reply, *_ = yield b"\x04\x01" + port.to_bytes(2, "big") + packed + username + name, 8
    _check_version(version, 0)
    if reply != 90:
        _refuse(f"request rejected or failed, code {reply}", is_unreached=reply == 91)


def _check_version(version: int, expected: int) -> None:
    if version != expected:
        raise InvalidProxyMessage(f"proxy's answer isn't SOCKS: it begins with {version}")


def _refuse(problem: str, *, is_unreached: bool) -> None:
    """Raise what a refusal is; if the server wasn't reached, caused by what that is without a proxy."""
    raise ProxyError(f"SOCKS proxy: {problem}") from (ConnectionError(problem) if is_unreached else None)
