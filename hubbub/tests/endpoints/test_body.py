"""Reading what requests say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"name":7}', b'{"name":{"$ne":1}}', b'{"nom":"x"}', b"\xff", b"[" * 3000]
)
async def test_bad_body_is_refused(browser, body) -> None:
    """What isn't a name in JSON is told so."""
    answer = await browser.post("/v1/guests", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


async def test_long_body_is_refused(browser) -> None:
    """Nobody's name takes so much."""
    answer = await browser.post("/v1/guests", json={"name": "Ann", "more": "x" * 5000})

    assert answer.status_code == 413


async def test_slow_body_is_refused(browser, monkeypatch) -> None:
    """A request that never ends is not waited for."""

    async def drip() -> AsyncIterator[bytes]:
        yield b'{"name":'
        await asyncio.Event().wait()

    monkeypatch.setattr("hubbub.endpoints.body.PATIENCE", 0.0)
    headers = {"Content-Type": "application/json"}
    answer = await browser.post("/v1/guests", content=drip(), headers=headers)

    assert answer.status_code == 422


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_form_is_refused(browser, content_type) -> None:
    """What a form of another page could send does nothing."""
    answer = await browser.post(
        "/v1/guests", content=b'{"name":"Eve"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 403
