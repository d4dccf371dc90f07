"""Coming in as a guest."""

from __future__ import annotations

from urllib.error import HTTPError

import pytest

from hubbub.client.guests import http_address, sign_in_guest, websocket_address


async def test_guest_has_a_token(address: str) -> None:
    """A guest is told who they are, and by what they are known."""
    signed_in = await sign_in_guest(address, "Ann")

    assert (signed_in.me.name, signed_in.me.kind) == ("Ann", "guest")
    assert signed_in.token


async def test_bad_name_is_refused(address: str) -> None:
    """What the server says to a name that can't be is an error."""
    with pytest.raises(HTTPError) as refused:
        await sign_in_guest(address, "")
    assert refused.value.code == 422
    refused.value.close()


async def test_nobody_there_is_an_error() -> None:
    """Where no chat is, nobody comes in."""
    with pytest.raises(OSError, match="refused"):
        await sign_in_guest("http://127.0.0.1:1", "Ann")


@pytest.mark.parametrize(
    "url, http, websocket",
    [
        ("http://http.example/", "http://http.example", "ws://http.example/v1/realtime"),
        ("https://chat.example", "https://chat.example", "wss://chat.example/v1/realtime"),
        ("wss://chat.example", "https://chat.example", "wss://chat.example/v1/realtime"),
    ],
)
def test_address_has_two_doors(url: str, http: str, websocket: str) -> None:
    """Of the address that browsers have follow both."""
    assert (http_address(url), websocket_address(url)) == (http, websocket)


@pytest.mark.parametrize("url", ["chat.example", "ftp://chat.example", "http://"])
def test_other_addresses_are_refused(url: str) -> None:
    """What can't be the address of a chat is said at once."""
    with pytest.raises(ValueError, match="no address"):
        websocket_address(url)
