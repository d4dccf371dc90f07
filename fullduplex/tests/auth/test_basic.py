"""basic_auth: who is let in, and how the others are asked for their names."""

from __future__ import annotations

import asyncio
import base64
import hmac
from typing import Any

import pytest

from fullduplex.aio.client import connect
from fullduplex.aio.server import serve
from fullduplex.auth.basic import basic_auth
from fullduplex.exceptions import InvalidStatus
from fullduplex.protocol.headers import build_authorization_basic

from ..aio.ends import open_plainly, plain_client, url_of
from .ends import know, serving, status_of, told

PAIRS = [("ann", "lee"), ("发送", "数据:😀"), ("ann", "second")]


async def tell_name(connection: Any) -> None:
    """Say who has come in."""
    assert connection.user == connection.username
    await connection.send(connection.username)


async def answer_to(headers: list[tuple[str, str]], **options: Any) -> str:
    """Return the name of who gets in with these headers, or the challenge that they get."""
    async with serve(tell_name, "localhost", 0, process_request=basic_auth(**options)) as server:
        try:
            async with connect(url_of(server), additional_headers=headers) as connection:
                name = await connection.recv()
                assert isinstance(name, str)
                return name
        except InvalidStatus as error:
            response: Any = error.response
            assert response.status_code == 401
            assert response.body == b"A valid user name and password are needed.\n"
            challenge: str = response.headers["WWW-Authenticate"]
            return challenge


def basic(username: str, password: str) -> list[tuple[str, str]]:
    """Return the header with these credentials."""
    return [("Authorization", build_authorization_basic(username, password))]


@pytest.mark.parametrize("credentials", [PAIRS[0], list(PAIRS[0]), PAIRS, tuple(PAIRS[:2])], ids=str)
async def test_known_are_let_in(credentials: Any) -> None:
    """A pair may be given alone, or among others."""
    assert await answer_to(basic("ann", "lee"), credentials=credentials) == "ann"


@pytest.mark.parametrize("username, password", PAIRS)
async def test_all_pairs_count(username: str, password: str) -> None:
    """Each pair lets in, in any alphabet, and twice the same name is two ways in."""
    assert await answer_to(basic(username, password), credentials=PAIRS) == username


@pytest.mark.parametrize(
    "headers",
    [
        [],
        basic("ann", "leee"),
        basic("ann", "le"),
        basic("ann", ""),
        basic("", ""),
        basic("Ann", "lee"),
        basic("发送", "second"),
        basic("ann", "lee") * 2,
        [("Authorization", "Bearer YW5uOmxlZQ==")],
        [("Authorization", "Basic")],
        [("Authorization", "Basic ann:lee")],
        [("Authorization", "Basic \xe4")],
        [("Authorization", "Basic " + base64.b64encode(b"ann").decode())],
        [("Authorization", "Basic " + base64.b64encode(b"ann:\xff").decode())],
    ],
    ids=str,
)
async def test_unknown_are_asked(headers: list[tuple[str, str]]) -> None:
    """Wrong credentials, or none that can be read, are answered with 401 and what is wanted."""
    challenge = await answer_to(headers, realm='the "old" mill', credentials=PAIRS)

    assert challenge == 'Basic realm="the \\"old\\" mill", charset="UTF-8"'


@pytest.mark.parametrize("is_async", [False, True])
async def test_credentials_may_be_checked(is_async: bool) -> None:
    """A function may decide, a coroutine function too."""
    asked = []

    def check(username: str, password: str) -> bool:
        asked.append((username, password))
        return password == username[::-1]

    async def check_later(username: str, password: str) -> bool:
        await asyncio.sleep(0)
        return check(username, password)

    checks: Any = check_later if is_async else check
    assert await answer_to(basic("ann", "nna"), check_credentials=checks) == "ann"
    assert await answer_to(basic("ann", "ann"), check_credentials=checks) == 'Basic realm="", charset="UTF-8"'
    assert await answer_to([], check_credentials=checks) == 'Basic realm="", charset="UTF-8"'

    assert asked == [("ann", "nna"), ("ann", "ann")]


async def test_all_pairs_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pair is looked at, right ones before it or not, and in a time that tells nothing."""
    compared = []

    def compare(one: Any, other: Any) -> bool:
        if b"ann:lee" in (one, other):
            compared.append(one)
        return bool(one == other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert await answer_to(basic("ann", "lee"), credentials=PAIRS) == "ann"

    assert compared == [f"{name}:{password}".encode() for name, password in PAIRS]


async def test_events_have_names(face: str) -> None:
    """Either face lets in by name and password, asks the others for theirs, and obeys the check."""
    auth = basic_auth(check_credentials=lambda name, password: bool(know(password)))
    async with serving(face, auth) as address:
        assert await told(address.replace("//", "//bob:secret@")) == "bob None /"
        for password, status in (("nobody", 401), ("banned", 403), ("else", 500)):
            assert status_of(await told(address.replace("//", f"//bob:{password}@"))) == status


async def test_refused_name_is_not_kept() -> None:
    """A connection that isn't let in has no user name, and is ended."""
    seen = []

    async def note(connection: Any, request: Any) -> Any:
        response = await basic_auth(credentials=PAIRS)(connection, request)
        seen.append(connection.username)
        return response

    async with (
        serve(tell_name, "localhost", 0, process_request=note) as server,
        plain_client(server) as (reader, writer),
    ):
        assert (await open_plainly(reader, writer)).startswith(b"HTTP/1.1 401 Unauthorized\r\n")
        assert (await reader.read()).endswith(b"needed.\n")
    assert seen == [None]


@pytest.mark.parametrize(
    "options, error",
    [
        ({}, ValueError),
        ({"credentials": PAIRS, "check_credentials": lambda *_: True}, ValueError),
        ({"credentials": 1}, TypeError),
        ({"credentials": "ann:lee"}, TypeError),
        ({"credentials": ["ann", "lee", "x"]}, TypeError),
        ({"credentials": ("ann", b"lee")}, TypeError),
        ({"credentials": [("ann", None)]}, TypeError),
        ({"credentials": [("ann", "lee", "x")]}, TypeError),
        ({"credentials": ("an:n", "lee")}, ValueError),
        ({"credentials": PAIRS, "realm": "a\r\nb"}, ValueError),
        ({"credentials": PAIRS, "realm": "mühle"}, ValueError),
    ],
    ids=str,
)
def test_bad_options_are_refused(options: Any, error: type[Exception]) -> None:
    """What makes no sense is told when the program starts, not when someone comes."""
    with pytest.raises(error):
        basic_auth(**options)
