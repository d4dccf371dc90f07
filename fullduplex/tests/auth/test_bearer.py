"""Bearer tokens: how they come, who gets to see them, and how those without are refused."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest

from fullduplex.auth.bearer import bearer_auth, bearer_subprotocols
from fullduplex.emitter import WebSocket
from fullduplex.exceptions import SecurityError
from fullduplex.protocol.headers import Headers, is_token
from fullduplex.protocol.http11 import Request

from .ends import know, know_later, serving, status_of, told


def header(*values: str) -> dict[str, Any]:
    """Return options of a client that sends these values of Authorization."""
    return {"additional_headers": [("Authorization", value) for value in values]}


def offering(*subprotocols: str) -> dict[str, Any]:
    """Return options of a client that offers these subprotocols."""
    return {"subprotocols": list(subprotocols)}


@pytest.mark.parametrize("check", [know, know_later])
async def test_header_lets_in(check: Any, face: str) -> None:
    """A token in Authorization is checked, whatever the case of its scheme."""
    async with serving(face, bearer_auth(check)) as address:
        for value in ("Bearer secret", "bearer secret", "BEARER  secret"):
            assert await told(f"{address}/x", **header(value)) == "ann None /x"


async def test_subprotocol_lets_in(face: str) -> None:
    """A token among the subprotocols is checked; the marker is agreed on where there is nothing else."""
    async with serving(face, bearer_auth(know)) as address:
        assert await told(address, subprotocols=bearer_subprotocols("secret")) == "ann bearer /"
        assert await told(address, subprotocols=bearer_subprotocols("secret", "chat")) == "ann None /"
        options = header("Bearer secret") | offering("bearer")
        assert await told(address, **options) == "ann None /"
    async with serving(face, bearer_auth(know), subprotocols=["chat"]) as address:
        assert await told(address, subprotocols=bearer_subprotocols("secret", "v2", "chat")) == "ann chat /"
        assert status_of(await told(address, subprotocols=bearer_subprotocols("secret"))) == 400


async def test_program_chooses_without_token() -> None:
    """Who chooses a subprotocol, and whoever reads the request later, sees all but the token."""
    seen: list[Any] = []

    def choose(connection: Any, offered: Any) -> str | None:
        seen.append((offered, connection.request.headers.get_all("Sec-WebSocket-Protocol")))
        return None

    async with serving("coroutines", bearer_auth(know), select_subprotocol=choose) as address:
        assert await told(address, subprotocols=bearer_subprotocols("secret")) == "ann bearer /"
        assert await told(address, subprotocols=bearer_subprotocols("secret", "b", "a")) == "ann None /"
        assert await told(address, **offering("bearer.c2VjcmV0")) == "ann None /"
    assert seen == [(["bearer"], ["bearer"]), (["b", "a"], ["b, a"]), ([], [])]


async def test_known_tokens_let_in() -> None:
    """Instead of a check there may be tokens, in any alphabet."""
    async with serving("coroutines", bearer_auth(tokens={"secret": "ann", "密码": "bob"})) as address:
        assert await told(address, **header("Bearer secret")) == "ann None /"
        assert await told(address, subprotocols=bearer_subprotocols("密码")) == "bob bearer /"
        for other in ("secre", "secrets", "SECRET"):
            assert status_of(await told(address, **header(f"Bearer {other}"))) == 401
    async with serving("coroutines", bearer_auth(tokens={})) as address:
        assert status_of(await told(address, **header("Bearer secret"))) == 401


@pytest.mark.parametrize(
    "options, status, error",
    [
        ({}, 401, ""),
        (header("Basic c2VjcmV0OnNlY3JldA=="), 401, ""),
        (header(""), 401, ""),
        (offering("chat", "bearer"), 401, ""),
        (offering("Bearer.c2VjcmV0"), 401, ""),
        (header("Bearer"), 401, "invalid_token"),
        (header("Bearer nobody"), 401, "invalid_token"),
        (header("Bearer secret x"), 401, "invalid_token"),
        (header("Bearer =secret"), 401, "invalid_token"),
        (header('Bearer "secret"'), 401, "invalid_token"),
        (header("Bearer secr\xe9t"), 401, "invalid_token"),
        (offering("bearer."), 401, "invalid_token"),
        (offering("bearer.c2Vj!"), 401, "invalid_token"),
        (offering("bearer.c2VjcmV0c"), 401, "invalid_token"),
        (offering("bearer._w"), 401, "invalid_token"),
        (header("Bearer secret", "Bearer secret"), 400, "invalid_request"),
        (header("Bearer secret") | offering("bearer.c2VjcmV0"), 400, "invalid_request"),
        (offering("bearer.c2VjcmV0", "bearer.c2VjcmV1"), 400, "invalid_request"),
    ],
    ids=str,
)
async def test_others_are_refused(options: Any, status: int, error: str, face: str) -> None:
    """Without a token it isn't said what is wrong, otherwise it is (RFC 6750 3.1)."""
    async with serving(face, bearer_auth(know, realm='the "old" mill')) as address:
        answer = await told(address, **options)

    assert status_of(answer) == status
    challenge = 'Bearer realm="the \\"old\\" mill"'
    assert answer.headers["WWW-Authenticate"] == challenge + (f', error="{error}"' if error else "")


async def test_forbidden_is_403(face: str) -> None:
    """A check may know someone, and forbid that they come in."""
    async with serving(face, bearer_auth(know)) as address:
        answer = await told(address, **header("Bearer banned"))
        assert status_of(answer) == 403
        assert "WWW-Authenticate" not in answer.headers


async def test_secret_isnt_logged(face: str, caplog: pytest.LogCaptureFixture) -> None:
    """A check that raises is status 500, and told by its kind and place, without the token in its words."""
    caplog.set_level(logging.DEBUG)
    async with serving(face, bearer_auth(know)) as address:
        assert status_of(await told(address, **header("Bearer unknown-token"))) == 500

    log = caplog.text
    assert "the check of credentials raised KeyError" in log
    assert "in know\n" in log
    assert "unknown-token" not in log


async def test_malformed_offer_is_refused() -> None:
    """Subprotocols that can't be read are no token, and refused by the handshake once someone is let in."""
    headers = [("Sec-WebSocket-Protocol", "bearer.c2VjcmV0, @")]
    async with serving("coroutines", bearer_auth(know)) as address:
        answer = await told(address, additional_headers=headers)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm=""'
        answer = await told(address, additional_headers=[*headers, ("Authorization", "Bearer secret")])
        assert status_of(answer) == 400


async def test_refused_request_hides_token() -> None:
    """Whether it is right or wrong, no token can be read in the representation of a request."""
    seen: list[Request] = []

    def note(connection: Any, request: Request, response: Any) -> None:
        seen.append(request)

    async with serving("coroutines", bearer_auth(know), process_response=note) as address:
        for token in ("secret", "nobody"):
            await told(address, subprotocols=bearer_subprotocols(token))
            await told(address, **header(f"Bearer {token}"))
    assert len(seen) == 4
    assert not re.search("secret|nobody|c2Vj|bm9i", repr(seen))


@pytest.mark.parametrize("token", ["secret", "a", "ab", "密码?>", "\x00 ,", "x" * 4000])
def test_subprotocols_carry_any_token(token: str) -> None:
    """Whatever the token is, what carries it is a token of HTTP, and read back (RFC 9110 5.6.2)."""
    for others in ((), ("chat",), ("b", "a")):
        offered = bearer_subprotocols(token, *others)
        assert offered[:-1] == list(others or ("bearer",))
        assert is_token(offered[-1])


def test_empty_token_is_refused() -> None:
    """An empty token would say nothing."""
    with pytest.raises(ValueError, match="empty"):
        bearer_subprotocols("")


async def test_token_isnt_redirected() -> None:
    """A token among the subprotocols stays with the server that it is for; no client takes it elsewhere."""
    asked: list[Any] = []

    def note(connection: Any, request: Request) -> None:
        asked.append(request)

    async with serving("coroutines", note) as elsewhere:

        def redirect(connection: Any, request: Request) -> Any:
            response = connection.respond(302, "elsewhere")
            response.headers["Location"] = elsewhere
            return response

        async with serving("coroutines", redirect) as address:
            with pytest.raises(SecurityError):
                await told(address, subprotocols=bearer_subprotocols("secret"))
            errors: asyncio.Queue[Exception] = asyncio.Queue()
            ws = WebSocket(address, bearer_subprotocols("secret"), followRedirects=True)
            ws.on("error", errors.put_nowait)
            assert isinstance(await errors.get(), SecurityError)
    assert asked == []


@pytest.mark.parametrize("lines", [["a", "bearer.eA, b"], ["a,bearer.eA", "b"], ["a", "b,", "bearer.eA"]])
async def test_lines_may_be_several(lines: list[str]) -> None:
    """Subprotocols may stand in several lines of the request (11.3.4)."""
    request = Request("/", Headers([("Sec-WebSocket-Protocol", line) for line in lines]))

    class Visitor:
        user: Any = None
        codec: Any = type("Codec", (), {})()

    visitor = Visitor()
    assert await bearer_auth(lambda token: f"who has {token}")(visitor, request) is None
    assert visitor.user == "who has x"
    assert request.headers["Sec-WebSocket-Protocol"] == "a, b"


@pytest.mark.parametrize(
    "options",
    [{}, {"check": know, "tokens": {}}, {"check": know, "realm": "mühle"}, {"check": know, "realm": "a\nb"}],
    ids=str,
)
def test_bad_options_are_refused(options: Any) -> None:
    """What makes no sense is told when the program starts, not when someone comes."""
    with pytest.raises(ValueError):
        bearer_auth(**options)
