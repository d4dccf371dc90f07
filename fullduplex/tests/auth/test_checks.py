"""Checks: what their answers mean, and what is told of those that fail."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest

from fullduplex.auth.checks import Forbidden, admit, ask, challenge, digest, refusal
from fullduplex.emitter import WebSocketServer

from .ends import know, know_later, status_of, told


class Visitor:
    """A connection that waits to be let in."""

    user: Any = None


@pytest.mark.parametrize("check", [know, know_later])
async def test_answer_is_user(check: Any) -> None:
    """What a check returns is the user; what is false is nobody."""
    assert await ask(check, "secret") == "ann"
    assert await ask(check, "nobody") is None
    assert await ask(check, "broken") is None
    with pytest.raises(Forbidden):
        await ask(check, "banned")


@pytest.mark.parametrize("answer", [None, False, 0, "", [], {}])
async def test_false_lets_nobody_in(answer: Any) -> None:
    """An answer that is false in any way is a refusal."""
    visitor = Visitor()
    response = await admit(visitor, lambda: refusal(401, "no", "Bearer"), lambda secret: answer, "x")

    assert status_of(response) == 401
    assert visitor.user is None


async def test_user_may_be_anything() -> None:
    """The connection's user is the very object that the check returned."""
    visitor, user = Visitor(), {"name": "ann"}

    assert await admit(visitor, lambda: refusal(401, "no", "Bearer"), lambda *secrets: user, "x", "y") is None
    assert visitor.user is user


@pytest.mark.parametrize("check", [know, know_later])
async def test_failure_hides_secret(check: Any) -> None:
    """Of an exception in a check there is its kind and its place, and nothing of what it says."""
    secret = "unknown-token"
    with pytest.raises(RuntimeError, match="the check of credentials raised KeyError") as caught:
        await ask(check, secret)

    told_of_it = "".join(traceback.format_exception(caught.value))
    assert "in know\n" in told_of_it
    assert secret not in told_of_it
    assert caught.value.__context__ is caught.value.__cause__ is None


async def test_cancelled_work_is_failure() -> None:
    """A check that waited for something that was cancelled has failed, and nobody waits for its answer."""

    async def wait(secret: str) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    with pytest.raises(RuntimeError, match="the check of credentials raised CancelledError"):
        await ask(wait, "x")


async def test_asking_may_be_cancelled() -> None:
    """Whoever asks may be cancelled, and that is no failure of the check's."""
    asking = asyncio.ensure_future(ask(lambda secret: asyncio.get_running_loop().create_future(), "x"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_refusal_isnt_clients_error() -> None:
    """The event server tells of wrong requests, and not of those that it doesn't let in."""
    wrong: list[Any] = []

    def refuse(connection: Any, request: Any) -> Any:
        return refusal(401, "no\n", "Bearer")

    server = WebSocketServer(host="localhost", port=0, process_request=refuse)
    server.on("wsClientError", lambda *details: wrong.append(details))
    async with server:
        answer = await told(f"ws://localhost:{server.address()[1]}")
    assert status_of(answer) == 401
    assert answer.body == b"no\n"
    assert wrong == []


def test_challenge_quotes_realm() -> None:
    """The realm is a quoted string, and must be one that a header can hold (RFC 9110 5.6.4)."""
    assert challenge("Bearer", 'a "b" \\c', x="y") == 'Bearer realm="a \\"b\\" \\\\c", x="y"'
    for realm in ("ü", "a\nb", "\x7f"):
        with pytest.raises(ValueError, match="printable ASCII"):
            challenge("Basic", realm)


def test_digests_differ() -> None:
    """Any text has a digest, even what isn't Unicode."""
    assert len({digest(secret) for secret in ("", "a", "A", "\ud800", "密码")}) == 5
