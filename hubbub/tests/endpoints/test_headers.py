"""What every response tells the browser not to do."""

from __future__ import annotations

import pytest

from hubbub.endpoints.headers import HEADERS


@pytest.mark.parametrize("path", ["/", "/assets/main-1a2b.js", "/v1/me", "/healthz", "/nothing"])
async def test_every_response_has_them(browser, path) -> None:
    """No script but our own runs, nobody frames us, nothing is guessed, and no address is told."""
    headers = (await browser.get(path)).headers

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self'",
        "connect-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_mistake_of_ours_has_them_too(browser, monkeypatch) -> None:
    """An answer that nobody meant to give is no exception."""

    async def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("hubbub.endpoints.callers.authenticate", fail)
    answer = await browser.get("/v1/me", headers={"Cookie": "hubbub_session=x"})

    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
