"""Tells whom a request is counted for, where there is a limit for each."""

from __future__ import annotations

import ipaddress
from typing import Final

from starlette.requests import Request

_IPV6_SHIFT: Final = 64


def sender_of(request: Request) -> str:
    """Return what stands for everyone where a request comes from."""
    return find_sender("" if request.client is None else request.client.host)


def find_sender(address: str) -> str:
    """Return what stands for everyone at the other end of a connection.

    That is its address, or for IPv6 its network of 64 bits: who has one such address has all of them.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    # So IPv4 looks to a server that listens on both.
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(parsed) >> _IPV6_SHIFT << _IPV6_SHIFT)}/64"
