"""Our own page's requests, and other people's."""

from __future__ import annotations

import pytest

from hubbub.endpoints.origin import find_host, is_same_origin


@pytest.mark.parametrize(
    "origin,host,public_url",
    [
        ("http://chat.test", "chat.test", None),
        ("http://chat.test:8000", "chat.test:8000", None),
        ("http://CHAT.test", "chat.TEST", None),
        ("http://chat.test", "chat.test:80", None),
        ("http://[::1]:8000", "[::1]:8000", None),
        ("https://chat.test", "10.0.0.1:8000", "https://chat.test"),
        ("https://chat.test", "chat.test", "https://chat.test/"),
        ("https://chat.test:444", "chat.test", "https://chat.test:444"),
    ],
)
def test_own_page_is_known(origin: str, host: str, public_url: str | None) -> None:
    """An origin is our own if it is where browsers find us, however that is written."""
    assert is_same_origin(origin, host, public_url)


@pytest.mark.parametrize(
    "origin,host,public_url",
    [
        ("http://evil.test", "chat.test", None),
        ("null", "chat.test", None),
        ("", "chat.test", None),
        ("chat.test", "chat.test", None),
        ("https://chat.test", "chat.test", None),
        ("http://chat.test:8001", "chat.test:8000", None),
        ("http://chat.test:8000", "chat.test", None),
        ("http://chat.test.evil.test", "chat.test", None),
        ("http://evil.test/chat.test", "chat.test", None),
        ("http://chat.test@evil.test", "chat.test", None),
        ("http://evil.test@chat.test", "chat.test", None),
        ("http://evil.test#chat.test", "chat.test", None),
        ("http://chat.test:x", "chat.test", None),
        ("http://[chat.test", "chat.test", None),
        ("http://chat.test, http://evil.test", "chat.test", None),
        ("file://", "", None),
        ("http://", "", None),
        ("http://chat.test", "chat.test", "https://chat.test"),
        ("http://10.0.0.1:8000", "10.0.0.1:8000", "https://chat.test"),
    ],
)
def test_other_page_is_refused(origin: str, host: str, public_url: str | None) -> None:
    """Anything else isn't, however much it looks alike."""
    assert not is_same_origin(origin, host, public_url)


def test_scheme_is_compared() -> None:
    """The page's scheme is that by which the server was asked."""
    assert is_same_origin("https://chat.test", "chat.test", None, "https")
    assert is_same_origin("https://chat.test:443", "chat.test", None, "https")
    assert not is_same_origin("http://chat.test", "chat.test", None, "https")
    assert is_same_origin("http://chat.test", "chat.test", "http://chat.test", "https")


@pytest.mark.parametrize(
    "url,host",
    [
        ("https://Chat.Test:444/", "chat.test"),
        ("http://[::1]:8000", "::1"),
        ("http://", None),
        ("chat.test", None),
        ("http://evil.test@chat.test", None),
    ],
)
def test_host_is_found(url: str, host: str | None) -> None:
    """Of what can be a page's origin, the host is known."""
    assert find_host(url) == host
