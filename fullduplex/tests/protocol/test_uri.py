"""WebSocket URIs: what they say, and what isn't one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import InvalidURI
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Request
from fullduplex.protocol.uri import URI, parse_uri, resolve


@pytest.mark.parametrize(
    "text, uri",
    [
        ("ws://example.com", URI(False, "example.com", 80, "/", "")),
        ("wss://example.com", URI(True, "example.com", 443, "/", "")),
        ("ws://example.com/", URI(False, "example.com", 80, "/", "")),
        ("ws://example.com:8080/chat", URI(False, "example.com", 8080, "/chat", "")),
        ("ws://example.com:/chat", URI(False, "example.com", 80, "/chat", "")),
        ("WSS://EXAMPLE.com:443/Chat?A=b&c#".rstrip("#"), URI(True, "example.com", 443, "/Chat", "A=b&c")),
        ("ws://example.com?a=b", URI(False, "example.com", 80, "/", "a=b")),
        ("ws://example.com/?", URI(False, "example.com", 80, "/", "")),
        ("ws://127.0.0.1:1/", URI(False, "127.0.0.1", 1, "/", "")),
        ("ws://[::1]:9998/echo", URI(False, "::1", 9998, "/echo", "")),
        ("ws://[FE80::1%25Eth0]/", URI(False, "fe80::1%Eth0", 80, "/", "")),
        ("ws://[fe80::1%eth0.1]:81/", URI(False, "fe80::1%eth0.1", 81, "/", "")),
        ("ws://[fe80::1%25]/", URI(False, "fe80::1%25", 80, "/", "")),
        ("ws://user:pass@example.com/", URI(False, "example.com", 80, "/", "", "user", "pass")),
        ("ws://user@example.com/", URI(False, "example.com", 80, "/", "", "user", "")),
        ("ws://us%40er:p%3Ass%20@example.com/", URI(False, "example.com", 80, "/", "", "us@er", "p:ss ")),
        ("ws://例子.测试/", URI(False, "xn--fsqu00a.xn--0zwm56d", 80, "/", "")),
        (
            "ws://example.com/房间?名=值",
            URI(False, "example.com", 80, "/%E6%88%BF%E9%97%B4", "%E5%90%8D=%E5%80%BC"),
        ),
        ("ws://example.com/a%20b%2F?c%26", URI(False, "example.com", 80, "/a%20b%2F", "c%26")),
        ('ws://example.com/"<>\\^`{|}', URI(False, "example.com", 80, "/%22%3C%3E%5C%5E%60%7B%7C%7D", "")),
        ("ws://example.com//a/../b;c=d", URI(False, "example.com", 80, "//a/../b;c=d", "")),
    ],
)
def test_uri_is_read(text: str, uri: URI) -> None:
    """A URI says whether it is secure, where it goes, and what it asks for (3)."""
    assert parse_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "//example.com/",
        "http://example.com/",
        "https://example.com/",
        "ftp://example.com/",
        "wsx://example.com/",
        "ws:example.com",
        "ws:/example.com",
        "ws://",
        "ws:///path",
        "ws://:80/",
        "ws://user@/",
        # 3: fragments have no meaning here.
        "ws://example.com/#",
        "ws://example.com/#fragment",
        "ws://example.com/?a#",
        "ws://example.com:0/",
        "ws://example.com:65536/",
        "ws://example.com:-1/",
        "ws://example.com:http/",
        "ws://example.com:8 0/",
        "ws://[::1/",
        "ws://[x]/",
        "ws://[fe80::1%]/",
        "ws://[fe80::1%25e/th0]/",
        "ws://[fe80::1%et*h0]/",
        "ws://[fe80::1%ünder]/",
        # CR and LF would break the request apart.
        "ws://example.com/\r\nInjected: yes",
        "ws://example.com/a b",
        " ws://example.com/",
        "ws://example.com/\n",
        "ws://exa\tmple.com/",
        "ws://example.com\x00/",
        "ws://example.com/\x7f",
        "ws://user\r\n@example.com/",
        f"ws://{'ü' * 64}.example/",
        "ws://ü..example/",
        "ws://a..example/",
        f"ws://{'a' * 64}.example/",
        "ws://example℀.com/",
    ],
)
def test_invalid_uri_is_refused(text: str) -> None:
    """What isn't a usable URI is refused, as a ``ValueError`` as well, and the exception has it."""
    with pytest.raises(InvalidURI) as caught:
        parse_uri(text)
    assert isinstance(caught.value, ValueError)
    assert caught.value.uri == text


@pytest.mark.parametrize("text", ["ws://a%3Ab:secret@h/", "ws://%3a:secret@h/"])
def test_user_name_has_no_colon(text: str) -> None:
    """A user name that Basic authentication can't say is refused, without the password being told."""
    with pytest.raises(InvalidURI, match="the user name has a colon") as caught:
        parse_uri(text)
    assert "secret" not in str(caught.value)
    assert parse_uri(text.replace("%3", "%253")).password == "secret"


@pytest.mark.parametrize(
    "text, host, resource",
    [
        ("ws://example.com", "example.com", "/"),
        ("ws://example.com:80/a?b", "example.com", "/a?b"),
        ("ws://example.com:443/", "example.com:443", "/"),
        ("wss://example.com:443/", "example.com", "/"),
        ("wss://example.com:80/", "example.com:80", "/"),
        ("ws://EXAMPLE.com:8080/", "example.com:8080", "/"),
        ("ws://[::1]/", "[::1]", "/"),
        ("ws://[::1]:81/", "[::1]:81", "/"),
        # RFC 6874 4: a zone is our own business.
        ("ws://[fe80::1%25eth0]/", "[fe80::1]", "/"),
        ("ws://[fe80::1%25eth0]:81/", "[fe80::1]:81", "/"),
        ("ws://user:pass@example.com/", "example.com", "/"),
    ],
)
def test_host_and_resource_are_for_the_request(text: str, host: str, resource: str) -> None:
    """Host leaves the scheme's own port out, and the target has neither host nor user (4.1)."""
    uri = parse_uri(text)

    assert (uri.host_header, uri.resource_name) == (host, resource)


@pytest.mark.parametrize(
    "text, shown, name",
    [
        ("ws://user:secret@example.com/a?token=secret", "ws://example.com/a", "example.com"),
        ("wss://example.com:8443", "wss://example.com:8443/", "example.com"),
        ("wss://[fe80::1%25eth0]/", "wss://[fe80::1]/", "fe80::1"),
    ],
)
def test_text_is_for_others(text: str, shown: str, name: str) -> None:
    """What logs have of a URI, and what the server is called, has nothing that is ours alone."""
    uri = parse_uri(text)

    assert (str(uri), uri.server_name) == (shown, name)


@pytest.mark.parametrize(
    "location, expected",
    [
        ("/b", "wss://u:p@host:444/b"),
        ("b?c#d", "wss://u:p@host:444/x/b?c"),
        ("?c", "wss://u:p@host:444/x/y?c"),
        ("", "wss://u:p@host:444/x/y?z"),
        ("wss://host:444/b", "wss://u:p@host:444/b"),
        ("WSS://HOST:444/b", "wss://u:p@host:444/b"),
        ("wss://v:q@host:444/b", "wss://v:q@host:444/b"),
        ("https://host:444/b", "wss://u:p@host:444/b"),
        # Another origin by its host, its port or its scheme.
        ("//other:444/b", "wss://other:444/b"),
        ("wss://host/b", "wss://host/b"),
        ("ws://host:444/b", "ws://host:444/b"),
        ("HTTP://host:444/b", "ws://host:444/b"),
        ("wss://v:q@other/b", "wss://other/b"),
        ("wss://host:444@other/b", "wss://other/b"),
    ],
)
def test_redirect_is_resolved(location: str, expected: str) -> None:
    """A redirect may be relative, and takes credentials along within its origin only."""
    assert resolve(parse_uri("wss://u:p@host:444/x/y?z"), location) == parse_uri(expected)


def test_redirect_keeps_the_zone() -> None:
    """A redirect within a server that is reached through a zone stays in that zone."""
    base = parse_uri("ws://[fe80::1%25eth0]:81/a")

    assert resolve(base, "/b") == parse_uri("ws://[fe80::1%25eth0]:81/b")


@pytest.mark.parametrize(
    "location",
    [
        "mailto:x",
        "ftp://host/",
        "https://",
        "https://[::1",
        "https://host:port/",
        "/a b",
        "/a\tb",
        "\x00",
    ],
)
def test_redirect_must_lead_somewhere(location: str) -> None:
    """A redirect to what isn't a WebSocket is refused."""
    with pytest.raises(InvalidURI):
        resolve(parse_uri("wss://host/"), location)


@given(path=st.text(max_size=10), query=st.text(max_size=10))
def test_any_resource_can_be_asked_for(path: str, query: str) -> None:
    """Whatever path and query a URI has, the request for it can be written, or the URI is refused."""
    try:
        uri = parse_uri(f"ws://example.com/{path}?{query}")
    except InvalidURI:
        return

    assert (
        Request(uri.resource_name, Headers()).serialize()
        == f"GET {uri.resource_name} HTTP/1.1\r\n\r\n".encode()
    )
