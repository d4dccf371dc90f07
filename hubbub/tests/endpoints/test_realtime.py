"""Who may open the WebSocket."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from fullduplex import Headers, Request, Response
from hubbub.endpoints.names import REFUSAL, Names
from hubbub.endpoints.proxies import NOBODY, Proxies
from hubbub.endpoints.realtime import Door, find_token

COOKIE = ("Cookie", "hubbub_session=abc")
HOME = ("Origin", "http://chat.test")


class Refusing:
    """A connection, as far as refusing it goes."""

    remote_address = ("192.0.2.1", 4321)

    def respond(self, status: int, text: str) -> Response:
        """Make a refusal."""
        return Response(status, body=text.encode())


def refuse(
    *headers: tuple[str, str],
    path: str = "/v1/realtime",
    public_url: str | None = None,
    proxies: Proxies = NOBODY,
) -> Response | None:
    """Return the refusal, if there is one."""
    names = Names("chat.test", "machine", public_url)
    return Door(names, public_url, proxies).check(Refusing(), Request(path, Headers(headers)))


def check(*headers: tuple[str, str], path: str = "/v1/realtime") -> int | None:
    """Return the status of the refusal at our own name, if there is one."""
    refusal = refuse(("Host", "chat.test"), *headers, path=path)
    return None if refusal is None else refusal.status_code


def test_own_page_may_pass() -> None:
    """Our own page may, with and without a cookie; so may a program without either."""
    assert check(HOME, COOKIE) is None
    assert check(HOME) is None
    assert check() is None
    assert check(HOME, COOKIE, path="/v1/realtime?x=1") is None


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "http://evil.test"), COOKIE],
        [("Origin", "http://evil.test")],
        [("Origin", "null"), COOKIE],
        [("Origin", "http://chat.test.evil.test"), COOKIE],
        [("Origin", "https://chat.test"), COOKIE],
        [HOME, HOME, COOKIE],
        [HOME, ("Host", "chat.test"), COOKIE],
        [("Origin", "http://evil.test"), ("Host", "evil.test"), COOKIE],
        [COOKIE],
    ],
    ids=range(9),
)
def test_other_page_may_not(headers: list[tuple[str, str]]) -> None:
    """Another page's script may not, nor may whoever has a cookie and doesn't say where from."""
    assert check(*headers) == 403


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/realtime/", "/v1/realtimes", "//v1/realtime"])
def test_other_paths_are_none(path: str) -> None:
    """There is one WebSocket, at one path."""
    assert check(HOME, COOKIE, path=path) == 404


def test_public_url_is_what_counts() -> None:
    """Behind a proxy, the page is at the public address."""
    host, public_url = ("Host", "chat.example"), "https://chat.example"
    assert refuse(host, ("Origin", public_url), COOKIE, public_url=public_url) is None
    refusal = refuse(host, ("Origin", "http://chat.example"), COOKIE, public_url=public_url)
    assert refusal is not None
    assert refusal.status_code == 403


def test_scheme_is_the_proxys_word() -> None:
    """By which scheme the page was found, a trusted proxy says; nobody else's word counts."""
    page = [("Host", "chat.test"), ("Origin", "https://chat.test"), ("X-Forwarded-Proto", "https"), COOKIE]

    assert refuse(*page, proxies=Proxies([ip_network("192.0.2.0/24")])) is None
    for others in (NOBODY, Proxies([ip_network("127.0.0.1")])):
        refusal = refuse(*page, proxies=others)
        assert refusal is not None
        assert refusal.status_code == 403


@pytest.mark.parametrize("path", ["/v1/realtime", "/", "/healthz"])
@pytest.mark.parametrize("headers", [[COOKIE], []], ids=["cookie", "nothing"])
def test_strange_name_may_not(path: str, headers: list[tuple[str, str]]) -> None:
    """A page whose own name leads here is told that we don't go by it."""
    refusal = refuse(("Host", "evil.test"), ("Origin", "http://evil.test"), *headers, path=path)

    assert refusal is not None
    assert (refusal.status_code, bytes(refusal.body)) == (403, f"{REFUSAL}\n".encode())


def test_program_needs_a_right_name() -> None:
    """Who is no browser asks for us by a name of ours too."""
    assert refuse(("Host", "127.0.0.1:8000")) is None
    assert refuse(("Host", "evil.test")) is not None
    assert refuse() is not None


def test_token_is_found_in_any_cookie() -> None:
    """The token is found in whichever Cookie header it is."""
    assert find_token(Headers([("Cookie", "a=1"), COOKIE])) == "abc"
    assert find_token(Headers()) is None
