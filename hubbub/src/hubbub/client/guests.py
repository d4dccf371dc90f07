"""Coming in, over HTTP: what gives a program the token of its session, and says whose one is."""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Final, TypeVar

import msgspec

from hubbub import __version__, wire

T = TypeVar("T")

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


async def log_in(url: str, username: str, password: str) -> SignedIn:
    """Begin a session of an account in the chat at `url`.

    Raises:
        OSError: as `sign_in_guest` does.
    """
    credentials = {"username": username, "password": password}
    return await asyncio.to_thread(_post, f"{http_address(url)}/v1/session", credentials)


async def register(
    url: str, username: str, password: str, *, name: str | None = None, invite: str | None = None
) -> SignedIn:
    """Make an account in the chat at `url`, and begin a session; `invite` is the token of an invitation.

    Without a name one goes by the username.

    Raises:
        OSError: as `sign_in_guest` does; the status is 403 where accounts are made by invitation, or not at
            all, and 404 for what is no invitation any more.
    """
    given = {"username": username, "password": password, "name": name, "invite": invite}
    wanted = {key: value for key, value in given.items() if value is not None}
    return await asyncio.to_thread(_post, f"{http_address(url)}/v1/accounts", wanted)


async def who_is(url: str, token: str) -> wire.MeInfo:
    """Ask the chat at `url` whose session a token is of.

    Raises:
        OSError: as `sign_in_guest` does; the status is 401 if it is nobody's any more.
    """
    return await asyncio.to_thread(_get_me, f"{http_address(url)}/v1/me", token)


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


class _Me(msgspec.Struct):
    me: wire.MeInfo


def _post(address: str, body: dict[str, str]) -> SignedIn:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, msgspec.json.encode(body), headers, method="POST")
    return _open(request, SignedIn)


def _get_me(address: str, token: str) -> wire.MeInfo:
    return _open(urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"}), _Me).me


def _open(request: urllib.request.Request, kind: type[T]) -> T:
    # It is what the session will be listed as.
    request.add_header("User-Agent", f"hubbub/{__version__}")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        try:
            return msgspec.json.decode(answer.read(), type=kind)
        except msgspec.DecodeError as error:
            raise OSError(f"{request.full_url} isn't a chat's") from error
