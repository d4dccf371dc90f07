"""Errors in HTTP."""

from __future__ import annotations

import json

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from hubbub.domain.errors import ChatError, Code
from hubbub.endpoints import errors

REQUEST = Request({"type": "http"})


@pytest.mark.parametrize("code", list(Code))
async def test_every_code_has_a_status(code: Code) -> None:
    """Each error is answered with a status that is one, and says its code."""
    response = await errors.on_chat_error(REQUEST, ChatError(code))

    assert 400 <= response.status_code < 600
    assert json.loads(bytes(response.body)) == {
        "error": {"code": code.value, "msg": str(ChatError(code)), "retry": ChatError(code).retry}
    }
    assert (response.status_code >= 500) == (code.value in {"storage_full", "unavailable", "internal"})


async def test_wait_is_told() -> None:
    """How long to wait is told in whole seconds, never too few; and exactly, in milliseconds."""
    response = await errors.on_chat_error(REQUEST, ChatError(Code.TOO_MANY_REQUESTS, after=1.2))

    assert response.headers["retry-after"] == "2"
    assert json.loads(bytes(response.body))["error"]["after"] == 1200


async def test_mistake_of_ours_tells_nothing() -> None:
    """Of an error that nobody expected, its words aren't told."""
    response = await errors.on_chat_error(REQUEST, RuntimeError("secret"))

    assert response.status_code == 500
    assert b"secret" not in bytes(response.body)


async def test_router_errors_are_json() -> None:
    """What the router finds wrong is told in the same form, with its headers."""
    response = await errors.on_http_error(REQUEST, HTTPException(405, headers={"Allow": "GET"}))

    assert (response.status_code, response.headers["allow"]) == (405, "GET")
    assert json.loads(bytes(response.body))["error"]["code"] == "unknown_op"
