"""URLs as a browser reads them: what is forgiven, what is refused, and what comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex import InvalidURI
from fullduplex.protocol.uri import URI
from fullduplex.protocol.url import parse_url

# What is given, and its normal form.  Chromium agrees: see interop/test_chromium.py.
READ = [
    ("ws://h", "ws://h/"),
    ("wss://h", "wss://h/"),
    ("http://h/?a=b", "ws://h/?a=b"),
    ("HTTPS://h/", "wss://h/"),
    ("\x00 \tws://h/ \n", "ws://h/"),
    ("w\ns:\t//h/a\r\nb", "ws://h/ab"),
    ("ws:h/p", "ws://h/p"),
    ("ws:/h/p", "ws://h/p"),
    ("ws:////h/p", "ws://h/p"),
    ("ws:\\\\h\\p?\\", "ws://h/p?\\"),
    ("ws://h?a", "ws://h/?a"),
    ("ws://h/!", "ws://h/!"),
    ("ws://h/?", "ws://h/?"),
    # Paths.
    ("ws://h/a b", "ws://h/a%20b"),
    ("ws://h/\"<>`{}[]'~!$&()*+,;=:@", "ws://h/%22%3C%3E%60%7B%7D[]'~!$&()*+,;=:@"),
    ("ws://h/%zz%41%", "ws://h/%zz%41%"),
    ("ws://h/大厅", "ws://h/%E5%A4%A7%E5%8E%85"),
    ("ws://h/\x01\x7f", "ws://h/%01%7F"),
    ("ws://h/./a/../b//c", "ws://h/b//c"),
    ("ws://h/../..", "ws://h/"),
    ("ws://h/a/.", "ws://h/a/"),
    ("ws://h/a/b/..", "ws://h/a/"),
    ("ws://h/a/%2E/%2e%2E/b/.%2e", "ws://h/"),
    ("ws://h/a\\..\\b", "ws://h/b"),
    ("ws://h/...", "ws://h/..."),
    # Queries.
    ("ws://h/?a b\"<>'`{}^|\\?", "ws://h/?a%20b%22%3C%3E%27`{}^|\\?"),
    ("ws://h/?问=答", "ws://h/?%E9%97%AE=%E7%AD%94"),
    ("ws://h/?a/../b", "ws://h/?a/../b"),
    # Ports.
    ("ws://h:80/", "ws://h/"),
    ("wss://h:443/", "wss://h/"),
    ("http://h:80/", "ws://h/"),
    ("https://h:443/", "wss://h/"),
    ("wss://h:80/", "wss://h:80/"),
    ("ws://h:00081/", "ws://h:81/"),
    ("ws://h:/", "ws://h/"),
    ("ws://h:0/", "ws://h:0/"),
    ("ws://h:65535/", "ws://h:65535/"),
    # User names and passwords.
    ("ws://u:p@h/", "ws://u:p@h/"),
    ("ws://u@h/", "ws://u@h/"),
    ("ws://u:@h/", "ws://u@h/"),
    ("ws://:p@h/", "ws://:p@h/"),
    ("ws://@h/", "ws://h/"),
    ("ws://:@h/", "ws://h/"),
    ("ws://u@v:p:w@h/", "ws://u%40v:p%3Aw@h/"),
    ("ws://u;=[]|%25:é@h/", "ws://u%3B%3D%5B%5D%7C%25:%C3%A9@h/"),
    # Names.
    ("WS://LocalHost/", "ws://localhost/"),
    ("ws://例子.example/", "ws://xn--fsqu00a.example/"),
    ("ws://例子。example．com/", "ws://xn--fsqu00a.example.com/"),
    ("ws://ｆｕｌｌ.example/", "ws://full.example/"),
    ("ws://Straße.example/", "ws://xn--strae-oqa.example/"),
    ("ws://STRAẞE.example/", "ws://xn--strae-oqa.example/"),
    ("ws://Straßeｎ.example/", "ws://xn--straen-eta.example/"),
    ("ws://xn--strae-oqa.example/", "ws://xn--strae-oqa.example/"),
    ("ws://Büro.example/", "ws://xn--bro-hoa.example/"),
    ("ws://😀.example/", "ws://xn--e28h.example/"),
    ("ws://क्\u200dष.example/", "ws://xn--11b2ezcw70k.example/"),
    ("ws://%65xample.com/", "ws://example.com/"),
    ("ws://a_b.c-/", "ws://a_b.c-/"),
    ("ws://a..b./", "ws://a..b./"),
    (f"ws://{'a' * 64}/", f"ws://{'a' * 64}/"),
    # Addresses.
    ("ws://127.1/", "ws://127.0.0.1/"),
    ("ws://0x7f.0.0.01/", "ws://127.0.0.1/"),
    ("ws://2130706433/", "ws://127.0.0.1/"),
    (f"ws://0x{'0' * 20}7f.1/", "ws://127.0.0.1/"),
    ("ws://0x/", "ws://0.0.0.0/"),
    ("ws://00/", "ws://0.0.0.0/"),
    ("ws://1234567890/", "ws://73.150.2.210/"),
    ("ws://4294967295/", "ws://255.255.255.255/"),
    ("ws://255.255.65535/", "ws://255.255.255.255/"),
    ("ws://1.2.3.255/", "ws://1.2.3.255/"),
    ("ws://017.1.2.0377/", "ws://15.1.2.255/"),
    ("ws://1.2.3.4./", "ws://1.2.3.4/"),
    ("ws://１.2.3.４/", "ws://1.2.3.4/"),
    ("ws://1.2.3.a/", "ws://1.2.3.a/"),
    ("ws://[::1]:81/", "ws://[::1]:81/"),
    ("ws://[0:0:1:0:0:0:0:A]/", "ws://[0:0:1::a]/"),
    ("ws://[1:0:0:2:0:0:3:4]/", "ws://[1::2:0:0:3:4]/"),
    ("ws://[1:2:3:0:5:60:0a:0b]/", "ws://[1:2:3:0:5:60:a:b]/"),
    ("ws://[::]/", "ws://[::]/"),
    ("ws://[1::]/", "ws://[1::]/"),
    ("ws://[::ffff:1.2.3.4]/", "ws://[::ffff:102:304]/"),
]

# Where Chromium encodes more than the standard.
READ_BY_STANDARD = [("ws://h/a|^", "ws://h/a|%5E")]

REFUSED = [
    "",
    "#test",
    "/path",
    "//h/",
    "h",
    "h:81",
    "ftp://h/",
    "file:///h",
    "mailto:me@h",
    "about:blank",
    "1ws://h/",
    "ws:",
    "ws://",
    "ws:///",
    "ws://?",
    "ws://u@/",
    "ws://:80/",
    "ws://h:a/",
    "ws://h:-1/",
    "ws://h:１/",
    "ws://h:65536/",
    "ws://h:100000/",
    f"ws://h:{'9' * 5000}/",
    "ws://h:80:80/",
    "ws://a%00b/",
    "ws://a%zz/",
    "ws://a<b/",
    "ws://a^b/",
    "ws://a|b/",
    "ws://a%2fb/",
    "ws://a[b/",
    "ws://a]b/",
    "ws://%ff/",
    "ws://a\ufffdb/",
    "ws://a\u200db/",
    "ws://\u00ad/",
    "ws://1.2.3.4.5/",
    "ws://1.2.3.4.0/",
    "ws://1.2.3.08/",
    "ws://1.2.3.256/",
    "ws://1.256.3/",
    "ws://4294967296/",
    f"ws://{'9' * 5000}/",
    "ws://0x100000000/",
    "ws://1..2/",
    "ws://a.09/",
    "ws://a.0xf/",
    "ws://[::1/",
    "ws://[::1]a/",
    "ws://[::1]81/",
    "ws://[]/",
    "ws://[:::]/",
    "ws://[1.2.3.4]/",
    "ws://[fe80::1%25eth0]/",
]

# Where Chromium is laxer than the standard.
REFUSED_BY_STANDARD = ["ws://a b.com/", "wss://foo bar.com/", "ws://xn--a/", "ws://xn--/", "ws://xn--a-/"]

BASE = "https://u:p@h:8080/a/b?c#d"
RELATIVE = [
    ("", "wss://u:p@h:8080/a/b?c"),
    ("?x", "wss://u:p@h:8080/a/b?x"),
    ("?", "wss://u:p@h:8080/a/b?"),
    ("e", "wss://u:p@h:8080/a/e"),
    ("e/../f?x", "wss://u:p@h:8080/a/f?x"),
    ("../../e", "wss://u:p@h:8080/e"),
    ("/e", "wss://u:p@h:8080/e"),
    ("\\e", "wss://u:p@h:8080/e"),
    (".", "wss://u:p@h:8080/a/"),
    ("//i/e", "wss://i/e"),
    ("https:e", "wss://u:p@h:8080/a/e"),
    ("https:", "wss://u:p@h:8080/a/b?c"),
    ("https://i", "wss://i/"),
    ("wss:i", "wss://i/"),
    ("ws://i:81/", "ws://i:81/"),
]


@pytest.mark.parametrize("text, shown", [*READ, *READ_BY_STANDARD])
def test_urls_have_normal_form(text: str, shown: str) -> None:
    """What can be meant only one way is read so; its normal form stays as it is."""
    assert str(parse_url(text)) == shown
    assert str(parse_url(shown)) == shown


@pytest.mark.parametrize("text", [*REFUSED, *REFUSED_BY_STANDARD])
def test_other_urls_are_refused(text: str) -> None:
    """What isn't the URL of a WebSocket is refused, and the exception says why."""
    with pytest.raises(InvalidURI) as caught:
        parse_url(text)

    assert caught.value.args[1]


@pytest.mark.parametrize("text, shown", RELATIVE)
def test_relative_urls_are_resolved(text: str, shown: str) -> None:
    """With a base, whatever a URL doesn't say comes from there."""
    assert str(parse_url(text, BASE)) == shown


@pytest.mark.parametrize("base", ["", "mailto:me@h", "/a"])
def test_bad_bases_are_refused(base: str) -> None:
    """A base must be the URL of a WebSocket itself, or of a page."""
    with pytest.raises(InvalidURI):
        parse_url("a", base)


@pytest.mark.parametrize(
    "text, fragment, shown", [("ws://h/#", "", "ws://h/#"), ("ws://h#a?b", "a?b", "ws://h/#a?b")]
)
def test_fragments_are_told(text: str, fragment: str, shown: str) -> None:
    """A fragment isn't refused here, but can be seen, even if it is empty."""
    url = parse_url(text)

    assert url.fragment == fragment
    assert str(url) == shown
    assert parse_url("ws://h/").fragment is None


@pytest.mark.parametrize(
    "text, origin",
    [("https://u:p@H:443/a?b", "wss://h"), ("ws://h:81/", "ws://h:81"), ("ws://[::1]/", "ws://[::1]")],
)
def test_origin_is_scheme_host_port(text: str, origin: str) -> None:
    """The origin has the scheme, the host, and the port unless it is the scheme's own."""
    assert parse_url(text).origin == origin


@pytest.mark.parametrize(
    "text, uri",
    [
        ("http://h", URI(secure=False, host="h", port=80, path="/", query="")),
        ("wss://[::1]:81/a?b", URI(secure=True, host="::1", port=81, path="/a", query="b")),
        ("ws://h/a?", URI(secure=False, host="h", port=80, path="/a?", query="")),
        ("ws://u%3A:p%40@h/", URI(False, "h", 80, "/", "", username="u:", password="p@")),
        ("ws://:p@h/", URI(False, "h", 80, "/", "", username="", password="p")),
    ],
)
def test_uri_is_for_connecting(text: str, uri: URI) -> None:
    """As a URI it says where to connect, what to ask for, and as whom."""
    assert parse_url(text).uri == uri


@given(st.text(alphabet=st.sampled_from(list("ws:/\\h.0x%2e@[]1?# é\t"))))
def test_normal_form_is_stable(text: str) -> None:
    """However strange a URL is, it is refused, or reading what was read changes nothing."""
    try:
        shown = str(parse_url(f"ws://h{text}"))
    except InvalidURI:
        return

    assert str(parse_url(shown)) == shown
