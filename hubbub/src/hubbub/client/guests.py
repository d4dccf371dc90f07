"""Coming in as a guest, over HTTP: what gives a program the token of its session."""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Final

import msgspec

from hubbub import wire

TIMEOUT: Final = 10.0


class SignedIn(msgspec.Struct):
    """Who one is from now on, and the token that says so; whoever has that is this user."""

    me: wire.MeInfo
    token: str


async def sign_in_guest(url: str, name: str) -> SignedIn:
    """Become a guest of the chat at `url`, under a name.

    Raises:
        OSError: if the chat can't be reached, or refuses; then it is an `urllib.error.HTTPError`.
    """
    return await asyncio.to_thread(_post, f"{http_address(url)}/v1/guests", {"name": name})


def http_address(url: str) -> str:
    """Return where a chat's HTTP is; `url` may begin as addresses of WebSocket do.

    Raises:
        ValueError: if it begins otherwise.
    """
    is_secure, rest = _parse(url)
    return f"{'https' if is_secure else 'http'}://{rest}"


def websocket_address(url: str) -> str:
    """Return where a chat's WebSocket is.

    Raises:
        ValueError: if it is no address of a chat.
    """
    is_secure, rest = _parse(url)
    return f"{'wss' if is_secure else 'ws'}://{rest}/v1/realtime"


def _parse(url: str) -> tuple[bool, str]:
    scheme, _, rest = url.partition("://")
    if scheme not in {"http", "https", "ws", "wss"} or not rest:
        raise ValueError(f"{url!r} is no address of a chat: those begin with http:// or https://")
    return scheme in {"https", "wss"}, rest.rstrip("/")


def _post(address: str, body: dict[str, str]) -> SignedIn:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, msgspec.json.encode(body), headers, method="POST")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        return msgspec.json.decode(answer.read(), type=SignedIn)
