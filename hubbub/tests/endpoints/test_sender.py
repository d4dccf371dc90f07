"""Whom a request is counted for."""

from __future__ import annotations

import pytest

from hubbub.endpoints.sender import find_sender


@pytest.mark.parametrize(
    "address,sender",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::2", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_sender_is_found(address: str, sender: str) -> None:
    """Each address of IPv4 is somebody, and each network of IPv6, however it is written."""
    assert find_sender(address) == sender
