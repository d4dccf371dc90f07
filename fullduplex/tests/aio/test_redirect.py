"""Redirects: which are followed, and with what."""

from __future__ import annotations

from typing import Any

import pytest

from fullduplex.aio.redirect import redirected
from fullduplex.exceptions import InvalidStatus, InvalidURI, SecurityError
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Response
from fullduplex.protocol.uri import URI, parse_uri

HEADERS = Headers(
    [
        ("Authorization", "a"),
        ("X-Room", "lobby"),
        ("COOKIE", "b=c"),
        ("Proxy-Authorization", "d"),
        ("cookie", "e"),
    ]
)


def refusal(*locations: str, status: int = 302) -> InvalidStatus:
    """Return a refusal with these lines of Location."""
    return InvalidStatus(Response(status, headers=Headers([("Location", value) for value in locations])))


def follow(location: str, uri: str = "wss://user:pass@host/a", **options: Any) -> tuple[URI, Headers]:
    """Return where a redirect leads and with what headers."""
    return redirected(refusal(location), parse_uri(uri), HEADERS, options)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_followed(status: int) -> None:
    """Redirects within one origin take everything along."""
    uri, headers = redirected(refusal("/b", status=status), parse_uri("ws://user:pass@host/a"), HEADERS, {})

    assert uri == parse_uri("ws://user:pass@host/b")
    assert headers == HEADERS


@pytest.mark.parametrize(
    "answer",
    [
        *(refusal("/b", status=status) for status in (200, 300, 304, 305, 306, 400, 500)),
        refusal(),
        refusal("/b", "/c"),
    ],
    ids=range(9),
)
def test_other_refusal_is_raised(answer: InvalidStatus) -> None:
    """Without one of the statuses, or one Location, a refusal is a refusal."""
    with pytest.raises(InvalidStatus) as caught:
        redirected(answer, parse_uri("ws://host/"), HEADERS, {})

    assert caught.value is answer


@pytest.mark.parametrize(
    "location", ["wss://other/b", "//other/b", "https://host:444/b", "wss://v:q@other/b"]
)
def test_credentials_stay_in_their_origin(location: str) -> None:
    """Another origin gets neither the URI's credentials nor those among the headers."""
    uri, headers = follow(location)

    assert uri.username is uri.password is None
    assert list(headers.raw_items()) == [("X-Room", "lobby")]


def test_token_stays_in_its_origin() -> None:
    """A token among the subprotocols can't be left out, so it isn't followed beyond the origin."""
    uri, offered = parse_uri("ws://host/a"), ["chat", "bearer.eA"]

    assert redirected(refusal("/b"), uri, HEADERS, {}, offered) == (parse_uri("ws://host/b"), HEADERS)
    assert redirected(refusal("ws://other/b"), uri, HEADERS, {}, ["bearer"])[0] == parse_uri("ws://other/b")
    for location in ("ws://other/b", "//host:81/", "wss://host/a"):
        with pytest.raises(SecurityError, match="a token among the subprotocols") as caught:
            redirected(refusal(location), uri, HEADERS, {}, offered)
        assert "eA" not in str(caught.value)


def test_more_security_is_another_origin() -> None:
    """From ``ws://`` to ``wss://`` it may go, without credentials."""
    uri, headers = follow("wss://host/a", "ws://user:pass@host/a")

    assert uri == parse_uri("wss://host/a")
    assert list(headers) == ["x-room"]


@pytest.mark.parametrize("location", ["ws://host/a", "http://host/a", "ws://host:443/a", "ws://other/"])
def test_less_security_is_refused(location: str) -> None:
    """From ``wss://`` to ``ws://`` it may not go."""
    with pytest.raises(SecurityError, match=r"redirect from wss:// to ws://") as caught:
        follow(location)

    assert isinstance(caught.value.__cause__, InvalidStatus)


@pytest.mark.parametrize("options", [{"host": "localhost"}, {"port": 81}, {"path": "/run/chat"}], ids=str)
def test_fixed_place_has_one_origin(options: dict[str, Any]) -> None:
    """Where options say where the server is, only redirects within its origin are followed."""
    uri, _ = follow("/b", **options)
    assert uri.path == "/b"
    [place] = options
    with pytest.raises(ValueError, match=f"wss://other/ with a given {place}") as caught:
        follow("wss://other/?secret", **options)

    assert isinstance(caught.value.__cause__, InvalidStatus)


def test_given_socket_has_no_redirects() -> None:
    """A given socket has been used up by the refusal."""
    with pytest.raises(ValueError, match="with a given socket"):
        follow("/b", sock=object())


def test_redirect_must_lead_somewhere() -> None:
    """What isn't a WebSocket isn't gone to."""
    with pytest.raises(InvalidURI):
        follow("mailto:someone@host")
