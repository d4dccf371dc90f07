"""SOCKS: what is said to a proxy, byte by byte, and what its answers mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import InvalidProxyMessage, ProxyError
from fullduplex.protocol.proxy import parse_proxy
from fullduplex.protocol.socks import SOCKSTunnel

from .wire import cut

BOUND = b"\x01\x00\x00\x00\x00\x00\x00"
NAME = b"\x03\x0cchat.example"

#: Proxy and server; then what we say and what the proxy answers, in turns.
CONVERSATIONS = [
    (
        "socks5h://proxy",
        "chat.example",
        [(b"\x05\x01\x00", b"\x05\x00"), (b"\x05\x01\x00" + NAME + b"\x01\xbb", b"\x05\x00\x00" + BOUND)],
    ),
    (
        "socks5://proxy",
        "10.0.0.1",
        [
            (b"\x05\x01\x00", b"\x05\x00"),
            (b"\x05\x01\x00\x01\x0a\x00\x00\x01\x01\xbb", b"\x05\x00\x00\x04" + bytes(18)),
        ],
    ),
    (
        "socks5h://proxy",
        "::1",
        [
            (b"\x05\x01\x00", b"\x05\x00"),
            (b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x01\xbb", b"\x05\x00\x00\x03\x03abc\x00\x50"),
        ],
    ),
    (
        "socks5h://user:pass%20@proxy",
        "chat.example",
        [
            (b"\x05\x02\x00\x02", b"\x05\x02"),
            (b"\x01\x04user\x05pass ", b"\x01\x00"),
            (b"\x05\x01\x00" + NAME + b"\x01\xbb", b"\x05\x00\x00\x03\x00\x00\x50"),
        ],
    ),
    (
        "socks5h://user:pass@proxy",
        "chat.example",
        [(b"\x05\x02\x00\x02", b"\x05\x00"), (b"\x05\x01\x00" + NAME + b"\x01\xbb", b"\x05\x00\x00" + BOUND)],
    ),
    (
        "socks5h://user@proxy",
        "chat.example",
        [
            (b"\x05\x02\x00\x02", b"\x05\x02"),
            (b"\x01\x04user\x00", b"\x01\x00"),
            (b"\x05\x01\x00" + NAME + b"\x01\xbb", b"\x05\x00\x00" + BOUND),
        ],
    ),
    (
        "socks4://proxy",
        "10.0.0.1",
        [(b"\x04\x01\x01\xbb\x0a\x00\x00\x01\x00", b"\x00\x5a\x00\x50\x01\x02\x03\x04")],
    ),
    (
        "socks4://user:unused@proxy",
        "10.0.0.1",
        [(b"\x04\x01\x01\xbb\x0a\x00\x00\x01user\x00", b"\x00\x5a" + bytes(6))],
    ),
    (
        "socks4a://user@proxy",
        "chat.example",
        [(b"\x04\x01\x01\xbb\x00\x00\x00\x01user\x00chat.example\x00", b"\x00\x5a" + bytes(6))],
    ),
    ("socks4a://proxy", "10.0.0.1", [(b"\x04\x01\x01\xbb\x0a\x00\x00\x01\x00", b"\x00\x5a" + bytes(6))]),
]


def tunnel(proxy: str, host: str = "chat.example") -> SOCKSTunnel:
    """Return a tunnel through a proxy to port 443 of a server."""
    return SOCKSTunnel(parse_proxy(proxy), host, 443)


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize("proxy, host, turns", CONVERSATIONS)
def test_conversation_opens_tunnel(
    proxy: str, host: str, turns: list[tuple[bytes, bytes]], step: int
) -> None:
    """What is said is what the versions of SOCKS have it, however their answers are split."""
    made = tunnel(proxy, host)
    for said, answer in turns:
        assert not made.is_open
        assert made.data_to_send() == said
        for piece in cut(answer, range(0, len(answer), step)):
            assert made.data_to_send() == b""
            made.receive_data(piece)

    assert made.is_open
    assert made.data_to_send() == b""


@pytest.mark.parametrize(
    "proxy, answers, problem, unreached",
    [
        ("socks5h://proxy", b"\x05\xff", "none of our ways to authenticate", False),
        ("socks5h://proxy", b"\x05\x02", "none of our ways to authenticate", False),
        ("socks5h://user:pass@proxy", b"\x05\x01", "none of our ways to authenticate", False),
        ("socks5h://user:pass@proxy", b"\x05\x02\x01\x01", "refused user name and password", False),
        ("socks5h://proxy", b"\x05\x00\x05\x01\x00\x01", "general failure", False),
        ("socks5h://proxy", b"\x05\x00\x05\x02\x00\x01", "not allowed", False),
        ("socks5h://proxy", b"\x05\x00\x05\x03\x00\x01", "network is unreachable", True),
        ("socks5h://proxy", b"\x05\x00\x05\x04\x00\x01", "host is unreachable", True),
        ("socks5h://proxy", b"\x05\x00\x05\x05\x00\x01", "connection refused", True),
        ("socks5h://proxy", b"\x05\x00\x05\x06\x00\x01", "time to live", True),
        ("socks5h://proxy", b"\x05\x00\x05\x07\x00\x01", "command isn't supported", False),
        ("socks5h://proxy", b"\x05\x00\x05\x08\x00\x01", "address type isn't supported", False),
        ("socks5h://proxy", b"\x05\x00\x05\x7f\x00\x01", "failure 127", False),
        ("socks4a://proxy", b"\x00\x5b" + bytes(6), "code 91", True),
        ("socks4a://proxy", b"\x00\x5c" + bytes(6), "code 92", False),
        ("socks4a://proxy", b"\x00\x5d" + bytes(6), "code 93", False),
    ],
)
def test_refusal_is_told(proxy: str, answers: bytes, problem: str, unreached: bool) -> None:
    """A refusal says what is wrong; where the server wasn't reached, its cause is an ``OSError``."""
    made = tunnel(proxy)
    with pytest.raises(ProxyError, match=problem) as caught:
        made.receive_data(answers)

    assert isinstance(caught.value.__cause__, OSError) is unreached
    assert not made.is_open


@pytest.mark.parametrize(
    "proxy, answers",
    [
        ("socks5h://proxy", b"\x04\x00"),
        ("socks5h://proxy", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks5h://proxy", b"\x05\x00\x04\x00\x00\x01"),
        ("socks5h://proxy", b"\x05\x00\x05\x00\x00\x02"),
        ("socks4a://proxy", b"\x04\x5a" + bytes(6)),
        ("socks4a://proxy", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("socks4a://proxy", b"\x00\x5a" + bytes(6) + b"early"),
        ("socks5h://proxy", b"\x05\x00\x05\x00\x00" + BOUND + b"early"),
    ],
)
def test_malformed_answer_fails(proxy: str, answers: bytes) -> None:
    """What isn't SOCKS, or comes before the server was asked, fails."""
    with pytest.raises(InvalidProxyMessage):
        tunnel(proxy).receive_data(answers)


def test_impossible_hosts_fail() -> None:
    """A host that a version has no form for isn't asked for."""
    tunnel("socks5h://proxy", "a" * 255)
    tunnel("socks4a://proxy", "a" * 255)
    for proxy, host in (
        ("socks4://proxy", "::1"),
        ("socks4a://proxy", "a" * 256),
        ("socks5h://proxy", "a" * 256),
    ):
        with pytest.raises(ProxyError):
            tunnel(proxy, host)


def test_end_of_answer_fails() -> None:
    """A proxy that goes before it has answered fails."""
    made = tunnel("socks5h://proxy")
    made.receive_data(b"\x05")
    with pytest.raises(InvalidProxyMessage):
        made.receive_eof()


@given(
    proxy=st.sampled_from(["socks5h://proxy", "socks5h://a:b@proxy", "socks4a://proxy"]),
    right=st.sampled_from(
        [b"", b"\x05", b"\x05\x00", b"\x05\x02\x01\x00", b"\x05\x00\x05\x00\x00", b"\x00\x5a"]
    ),
    data=st.binary(max_size=30),
)
def test_noise_is_a_proxy_error(proxy: str, right: bytes, data: bytes) -> None:
    """No bytes of a proxy make anything but a ``ProxyError``."""
    made = tunnel(proxy)
    try:
        made.receive_data(right + data)
    except ProxyError:
        return
    assert made.is_open or len(right + data) < 300
