"""Coming in: by what is kept, as a guest, or by an account; every mistake is told in a sentence.

Knows whom to ask; how people are asked it is told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.error import HTTPError, URLError

import msgspec

from hubbub.client import SignedIn, log_in, sign_in_guest, who_is
from hubbub.client.guests import http_address
from hubbub.terminal.keeping import Kept
from hubbub.terminal.plain import plain_line
from hubbub.terminal.words import Words


class EntryError(Exception):
    """Nobody came in; the message is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a person is asked: for a name, and for a password that isn't shown."""

    name: Callable[[str], str]
    secret: Callable[[str], str]


class _Explained(msgspec.Struct):
    msg: str


class _Error(msgspec.Struct):
    error: _Explained


async def enter(
    url: str, kept: Kept, words: Words, asking: Asking, *, name: str | None, username: str | None
) -> tuple[str, str]:
    """Return by what name one is in the chat, and the token of the session.

    Raises:
        EntryError: if the chat isn't there, or doesn't let one in.
    """
    who = _who(name, username) or kept.last()
    token = kept.token(who) if who is not None else None
    # Without a token it says whether there is a chat, before anybody is asked anything.
    is_known = await _is_known(url, token or "none", words)
    if who is not None and token is not None and is_known:
        kept.keep(who, token)
        return who, token
    if who is not None and name is None and username is None:
        name, username = (None, who[1:]) if who.startswith("@") else (who, None)
    who, signed_in = await _sign_in(url, words, asking, name, username)
    kept.keep(who, signed_in.token)
    return who, signed_in.token


def _who(name: str | None, username: str | None) -> str | None:
    # A guest's name may begin with an at sign as well, and is kept under another one then.
    if username is not None:
        return f"@{username}"
    return name.replace("@", "＠", 1) if name is not None and name.startswith("@") else name


async def _is_known(url: str, token: str, words: Words) -> bool:
    try:
        await who_is(url, token)
    except HTTPError as error:
        with contextlib.closing(error):
            if error.code == HTTPStatus.UNAUTHORIZED:
                return False
            raise EntryError(explain(url, error, words)) from error
    except OSError as error:
        raise EntryError(explain(url, error, words)) from error
    return True


async def _sign_in(
    url: str, words: Words, asking: Asking, name: str | None, username: str | None
) -> tuple[str, SignedIn]:
    try:
        if username is not None:
            password = asking.secret(words.ask_password.format(username))
            return f"@{username}", await log_in(url, username, password)
        name = name or asking.name(words.ask_name)
        signed_in = await sign_in_guest(url, name)
        return _who(name, None) or name, signed_in
    except OSError as error:
        raise EntryError(explain(url, error, words, is_account=username is not None)) from error


def check_address(url: str, words: Words) -> str:
    """Return a chat's address in the form by which it is kept.

    Raises:
        EntryError: if it can't be one.
    """
    try:
        return http_address(url)
    except ValueError as error:
        raise EntryError(words.no_address.format(plain_line(url))) from error


def explain(url: str, error: OSError, words: Words, *, is_account: bool = False) -> str:
    """Return a sentence for what went wrong."""
    if isinstance(error, HTTPError):
        with contextlib.closing(error):
            return _explain_refusal(url, error, words, is_account=is_account)
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, OSError) and reason.strerror:
        return words.unreachable.format(url, reason.strerror)
    if isinstance(error, URLError | TimeoutError):
        return words.unreachable.format(url, plain_line(str(reason)))
    return words.no_chat.format(url)


def _explain_refusal(url: str, error: HTTPError, words: Words, *, is_account: bool) -> str:
    try:
        said = plain_line(msgspec.json.decode(error.read(), type=_Error).error.msg)
    except (msgspec.DecodeError, OSError):
        return words.no_chat.format(url)
    match error.code:
        case HTTPStatus.UNAUTHORIZED if is_account:
            return words.wrong_password.format(url)
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return words.bad_name.format(said)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return words.too_many
    return words.not_let_in.format(url, said)
