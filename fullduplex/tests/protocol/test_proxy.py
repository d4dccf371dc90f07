"""Proxies: their addresses, and the tunnels that HTTP's CONNECT makes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import InvalidProxy, InvalidProxyMessage, InvalidProxyStatus, ProxyError
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.proxy import HTTPTunnel, Proxy, parse_proxy

from .wire import cut

PROXY = Proxy("http", "proxy", 3128)
OK = b"HTTP/1.1 200 Connection established\r\n\r\n"


def tunnel(**limits: int) -> HTTPTunnel:
    """Return a tunnel that has asked for a server."""
    made = HTTPTunnel(PROXY, "chat.example", 443, None, Limits(**limits))
    made.data_to_send()
    return made


# Addresses.


@pytest.mark.parametrize(
    "text, proxy",
    [
        ("http://proxy.example:3128", Proxy("http", "proxy.example", 3128)),
        ("http://proxy.example/", Proxy("http", "proxy.example", 80)),
        ("https://proxy.example", Proxy("https", "proxy.example", 443)),
        ("HTTP://PROXY.example:8080", Proxy("http", "proxy.example", 8080)),
        ("http://[::1]:3128", Proxy("http", "::1", 3128)),
        ("http://代理.测试", Proxy("http", "xn--mnq481g.xn--0zwm56d", 80)),
        ("http://us%40er:p%2Fss@proxy", Proxy("http", "proxy", 80, "us@er", "p/ss")),
        ("http://user@proxy", Proxy("http", "proxy", 80, "user", "")),
        ("socks4://user@proxy", Proxy("socks4", "proxy", 1080, "user", "")),
        ("socks4a://proxy", Proxy("socks4a", "proxy", 1080)),
        ("socks4a://proxy:9050", Proxy("socks4a", "proxy", 9050)),
        ("socks5://a:b@proxy", Proxy("socks5", "proxy", 1080, "a", "b")),
        (f"socks5h://{'a' * 255}:{'b' * 255}@proxy", Proxy("socks5h", "proxy", 1080, "a" * 255, "b" * 255)),
        (f"http://{'a' * 256}:{'b' * 256}@proxy", Proxy("http", "proxy", 80, "a" * 256, "b" * 256)),
        ("socks5://a%3Ab:c@proxy", Proxy("socks5", "proxy", 1080, "a:b", "c")),
    ],
)
def test_address_is_read(text: str, proxy: Proxy) -> None:
    """An address says how to speak, to whom, and who we are."""
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "scheme"),
        ("proxy:3128", "scheme"),
        ("ftp://proxy", "scheme"),
        ("ws://proxy", "scheme"),
        ("http://", "no host"),
        ("http://:80", "no host"),
        ("http://proxy:http", "malformed"),
        ("http://proxy:65536", "malformed"),
        ("http://[::1", "malformed"),
        (f"http://{'ü' * 64}", "malformed"),
        ("http://proxy..example", "malformed"),
        ("http://proxy/path", "more than a host"),
        ("http://proxy?query", "more than a host"),
        ("http://proxy#fragment", "more than a host"),
        ("http://a%3Ab:c@proxy", "colon"),
        ("socks5://a%00b:c@proxy", "can't be sent"),
        (f"socks5://{'a' * 256}:c@proxy", "can't be sent"),
        (f"socks5://a:{'ü' * 128}@proxy", "can't be sent"),
    ],
)
def test_bad_address_is_refused(text: str, problem: str) -> None:
    """What isn't the address of a proxy is refused, and why is said."""
    with pytest.raises(InvalidProxy) as caught:
        parse_proxy(text)

    assert problem in caught.value.problem


@pytest.mark.parametrize(
    "text, shown",
    [
        ("http://user:secret@proxy:http", "http://proxy:http"),
        ("user:secret@proxy:3128", "proxy:3128"),
        ("http://user:sec/ret@proxy", "http://proxy"),
        ("user:secret//secret@proxy", "proxy"),
        ("http://user:secret@secret@proxy/path", "http://proxy/path"),
        ("http://user:secret\n@proxy/path", "http://proxy/path"),
    ],
)
def test_bad_address_keeps_secret(text: str, shown: str) -> None:
    """The exception of a bad address has it without user name and password."""
    with pytest.raises(InvalidProxy) as caught:
        parse_proxy(text)

    assert caught.value.proxy == shown
    assert "secret" not in f"{caught.value!r} {caught.value}"


def test_address_keeps_secret() -> None:
    """As text, an address has no user name and no password."""
    proxy = parse_proxy("http://user:secret@[::1]:3128")

    assert str(proxy) == "http://[::1]:3128"
    assert "secret" not in repr(proxy)
    assert "user" not in repr(proxy).replace("username", "")
    assert str(parse_proxy("socks5://proxy")) == "socks5://proxy:1080"


# CONNECT (RFC 9110 9.3.6).


@pytest.mark.parametrize(
    "proxy, host, user_agent, lines",
    [
        (Proxy("http", "proxy", 80), "chat.example", None, b""),
        (Proxy("http", "proxy", 80), "::1", "test/1", b"User-Agent: test/1\r\n"),
        (
            Proxy("https", "proxy", 80, "user", "p@ss"),
            "127.0.0.1",
            None,
            b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n",
        ),
        (Proxy("http", "proxy", 80, "user"), "a", None, b"Proxy-Authorization: Basic dXNlcjo=\r\n"),
    ],
)
def test_request_asks_for_server(proxy: Proxy, host: str, user_agent: str | None, lines: bytes) -> None:
    """The request names the server with its port, and has credentials for the proxy alone."""
    made = HTTPTunnel(proxy, host, 443, user_agent, Limits())
    authority = f"[{host}]:443".encode() if ":" in host else f"{host}:443".encode()

    assert made.data_to_send() == (
        b"CONNECT " + authority + b" HTTP/1.1\r\nHost: " + authority + b"\r\n" + lines + b"\r\n"
    )
    assert made.data_to_send() == b""


def test_request_is_not_broken_apart() -> None:
    """Nothing that would break the request apart is sent to a proxy."""
    for host, user_agent in (("a b", None), ("a\r\nX: y", None), ("a", "x\r\ny")):
        with pytest.raises(ValueError, match="invalid"):
            HTTPTunnel(PROXY, host, 80, user_agent, Limits())


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.0 200 Connection established\r\n\r\n",
        b"HTTP/1.1 200\r\nVia: 1.1 proxy\r\nContent-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 299 Fine\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 199 Wait\r\n\r\n" + OK,
    ],
)
def test_success_opens_tunnel(answer: bytes, step: int) -> None:
    """Any status from 200 to 299 opens the tunnel, as soon as its head is whole and whatever it says."""
    made = tunnel()
    for piece in cut(answer, range(0, len(answer), step)):
        assert not made.is_open
        made.receive_data(piece)

    assert made.is_open
    assert made.data_to_send() == b""


@pytest.mark.parametrize("status", [101, 300, 302, 403, 407, 502, 599])
def test_refusal_has_its_response(status: int) -> None:
    """Any other status is an exception with the response, of which no body is read."""
    made = tunnel()
    answer = f"HTTP/1.1 {status} No\r\nProxy-Authenticate: Basic\r\nContent-Length: 9\r\n\r\n"
    with pytest.raises(InvalidProxyStatus) as caught:
        made.receive_data(answer.encode())

    assert caught.value.response.status_code == status
    assert caught.value.response.headers["Proxy-Authenticate"] == "Basic"  # type: ignore[attr-defined]
    assert not made.is_open


def test_old_version_is_as_good() -> None:
    """An answer in HTTP/1.0 is read, and what it says isn't changed."""
    with pytest.raises(InvalidProxyStatus) as caught:
        tunnel().receive_data(b"HTTP/1.0 403 HTTP/1.0 only\r\n\r\n")

    assert caught.value.response.reason_phrase == "HTTP/1.0 only"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n",
        b"\x05\x00\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        b"x" * 100_000,
    ],
    ids=range(8),
)
def test_malformed_answer_fails(answer: bytes) -> None:
    """An answer that isn't HTTP, or whose head has no end, fails."""
    with pytest.raises(InvalidProxyMessage):
        tunnel().receive_data(answer)


def test_limits_hold_for_answer() -> None:
    """The limits of a response's head are those of a proxy's answer."""
    tunnel(headers=2).receive_data(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n")

    with pytest.raises(InvalidProxyMessage, match="more than 2 headers"):
        tunnel(headers=2).receive_data(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n")


def test_early_bytes_fail() -> None:
    """A server says nothing before it is asked: bytes behind the answer are somebody else's."""
    with pytest.raises(InvalidProxyMessage, match="before the server was asked"):
        tunnel().receive_data(OK + b"HTTP/1.1 101 Switching Protocols\r\n\r\n")


def test_end_of_answer_fails() -> None:
    """A proxy that goes before its answer is whole fails, by the end of the stream."""
    made = tunnel()
    made.receive_data(OK[:10])
    with pytest.raises(InvalidProxyMessage, match="before its answer was whole") as caught:
        made.receive_eof()

    assert isinstance(caught.value.__cause__, EOFError)


@given(data=st.binary(max_size=100), at=st.integers(0, len(OK)))
def test_noise_is_a_proxy_error(data: bytes, at: int) -> None:
    """No bytes of a proxy make anything but a ``ProxyError``."""
    made = tunnel()
    try:
        made.receive_data(OK[:at] + data)
    except ProxyError:
        assert not made.is_open or data
