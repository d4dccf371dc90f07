"""Coming in as a guest."""

from __future__ import annotations

import asyncio
from urllib.error import HTTPError

import pytest

from hubbub.client import guests
from hubbub.client.guests import http_address, log_in, register, sign_in_guest, websocket_address, who_is


async def test_guest_has_a_token(address: str) -> None:
    """A guest is told who they are, and by what they are known."""
    signed_in = await sign_in_guest(address, "Ann")

    assert (signed_in.me.name, signed_in.me.kind) == ("Ann", "guest")
    assert signed_in.token


async def test_token_says_whose_it_is(address: str) -> None:
    """Whoever has the token of a session can ask who that is."""
    signed_in = await sign_in_guest(address, "Ann")

    assert await who_is(address, signed_in.token) == signed_in.me
    with pytest.raises(HTTPError) as refused:
        await who_is(address, "wrong")
    assert refused.value.code == 401
    refused.value.close()


async def test_account_comes_in(address: str) -> None:
    """Who has an account comes in by its password, and by no other."""
    made = await register(address, "ann", "correct horse", name="Ann")
    signed_in = await log_in(address, "ann", "correct horse")

    assert (signed_in.me.name, signed_in.me.username) == ("Ann", "ann")
    assert signed_in.me == made.me
    with pytest.raises(HTTPError) as refused:
        await log_in(address, "ann", "wrong horse")
    assert refused.value.code == 401
    refused.value.close()


async def test_invitation_is_told(address: str) -> None:
    """What is no invitation lets nobody in, where none is needed either."""
    with pytest.raises(HTTPError) as refused:
        await register(address, "ann", "correct horse", invite="made up")
    assert refused.value.code == 404
    refused.value.close()
    assert (await register(address, "ann", "correct horse")).me.name == "ann"


async def test_other_answers_are_an_error(address: str) -> None:
    """What answers, and isn't a chat, is told from one."""
    with pytest.raises(OSError, match="isn't a chat's"):
        await asyncio.to_thread(guests._get_me, f"{address}/healthz", "token")


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
